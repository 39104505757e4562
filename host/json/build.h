/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Building a JSON document of which nothing may be missing.  Each function notes in
 * the builder when there was no memory; the document is good only if that never
 * happened.  All take and free the new value, also when they fail.
 */
#ifndef AEROSTAT_JSON_BUILD_H
#define AEROSTAT_JSON_BUILD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct aero_json_builder {
	bool failed;
};

/* object[key] = value.  object may be NULL, when it could not be made. */
void aero_json_set(struct aero_json_builder *b, json_t *object, const char *key, json_t *value);
void aero_json_append(struct aero_json_builder *b, json_t *array, json_t *value);

/* jansson's numbers have 63 bits; a larger value is written as the largest of those. */
void aero_json_set_number(struct aero_json_builder *b, json_t *object, const char *key,
			  uint64_t value);

/* Frees the document.  Its text, for the caller to free(); NULL when anything failed. */
char *aero_json_finish(struct aero_json_builder *b, json_t *document);

#endif
