// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The frames in which a guest's agent answers the lab.
 *
 * Input: a byte that says in how large pieces the stream arrives, then the stream.  The
 * frames found must be the same ones as in a stream that arrives at once.
 */
#include "fuzz.h"

#include <string.h>

#include "lab/internal.h"

#define FRAMES_MAX 64

struct found {
	struct lab_answer frame[FRAMES_MAX];
	size_t count;
};

/* Takes what frames there are, and checks the stream and them. */
static void take(struct lab_stream *s, struct found *found)
{
	while (found->count < FRAMES_MAX) {
		struct lab_answer *next = &found->frame[found->count];
		int ret;

		memset(next, 0, sizeof(*next));
		ret = lab_frame_take(s, next);
		MUST(ret == 0 || ret == 1);
		MUST(s->length < s->room && s->bytes[s->length] == 0);
		if (!ret)
			return;
		MUST(next->text && next->text[next->length] == 0);
		found->count++;
	}
}

static void feed(const uint8_t *data, size_t size, size_t piece, struct found *found)
{
	struct lab_stream s = {.fd = -1, .bytes = calloc(1, size + 1), .room = size + 1};

	MUST(s.bytes);
	found->count = 0;
	for (size_t at = 0; at < size; at += piece) {
		size_t n = size - at < piece ? size - at : piece;

		memcpy(s.bytes + s.length, data + at, n);
		s.length += n;
		s.bytes[s.length] = 0;
		take(&s, found);
	}
	free(s.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct found pieces, whole;

	if (size < 2)
		return 0;
	feed(data + 1, size - 1, 1U + data[0] % 97, &pieces);
	feed(data + 1, size - 1, size - 1, &whole);
	/* When there are more, they stay in the stream; how many depends on the pieces. */
	if (pieces.count < FRAMES_MAX || whole.count < FRAMES_MAX)
		MUST(pieces.count == whole.count);
	for (size_t i = 0; i < pieces.count; i++) {
		MUST(pieces.frame[i].id == whole.frame[i].id &&
		     pieces.frame[i].status == whole.frame[i].status &&
		     pieces.frame[i].length == whole.frame[i].length &&
		     !memcmp(pieces.frame[i].text, whole.frame[i].text, whole.frame[i].length));
	}
	for (size_t i = 0; i < pieces.count; i++)
		free(pieces.frame[i].text);
	for (size_t i = 0; i < whole.count; i++)
		free(whole.frame[i].text);
	return 0;
}
