/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Documents for --json.  Without memory nothing is printed, rather than a part. */
#ifndef AEROSTAT_CLI_JSON_H
#define AEROSTAT_CLI_JSON_H

#include <jansson.h>
#include <stdint.h>

/* Puts @value, whose reference it takes, into @object.  What fails shows in json_print(). */
void json_put(json_t *object, const char *name, json_t *value);

/* The same with a number; UINT64_MAX, which stands for unknown, becomes null. */
void json_put_number(json_t *object, const char *name, uint64_t value);

/* Appends to an array in the same way. */
void json_add(json_t *array, json_t *value);

/* Prints @document on standard output and lets go of it.  CLI_OK, or CLI_FAILED after words. */
int json_print(json_t *document);

#endif
