// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "json.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"

/* One document at a time; a part that is lacking would be a document that lies. */
static bool lacking;

void json_put(json_t *object, const char *name, json_t *value)
{
	if (json_object_set_new(object, name, value))
		lacking = true;
}

void json_put_number(json_t *object, const char *name, uint64_t value)
{
	json_put(object, name,
		 value == UINT64_MAX || value > INT64_MAX ? json_null()
							  : json_integer((json_int_t)value));
}

void json_add(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		lacking = true;
}

int json_print(json_t *document)
{
	char *text = document && !lacking ? json_dumps(document, JSON_INDENT(2)) : NULL;

	json_decref(document);
	lacking = false;
	if (!text) {
		cli_complain("no memory, or a file of the kernel has bytes that are no text");
		return CLI_FAILED;
	}
	/* What can't be written is noticed at the end of the program. */
	puts(text);
	free(text);
	return CLI_OK;
}
