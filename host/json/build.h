/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Builds a JSON document of which no part may be missing.  When memory for a value could not be
 * allocated, the builder records it, and the document is discarded at the end.  Every function
 * takes ownership of the new value and frees it, also when it fails.
 */
#ifndef AEROSTAT_JSON_BUILD_H
#define AEROSTAT_JSON_BUILD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct aero_json_builder {
	bool failed;
};

/* Sets object[key] to value.  object may be NULL, if it could not be allocated. */
void aero_json_set(struct aero_json_builder *b, json_t *object, const char *key, json_t *value);
void aero_json_append(struct aero_json_builder *b, json_t *array, json_t *value);

/* jansson's numbers have 63 bits.  A larger value is written as the largest such number. */
void aero_json_set_number(struct aero_json_builder *b, json_t *object, const char *key,
			  uint64_t value);

/* Frees the document.  Returns its text, which the caller frees, or NULL if anything failed. */
char *aero_json_finish(struct aero_json_builder *b, json_t *document);

#endif
