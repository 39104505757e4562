// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The record of swap areas, what the kernel says of them, and an area's header.
 *
 * Input: three parts with NUL bytes between them: /run/aerostat/swap, /proc/swaps, and the
 * beginning of the first area, which may have NUL bytes.  A record that is believed must
 * hold nothing but what could have been written, and be the same when written and read.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tools/swap/areas.h"

#define AREA "/area"

static void write_and_read(const char *root, const struct aero_areas *areas)
{
	static struct aero_areas again;

	MUST(aero_areas_save(root, areas) == 0);
	MUST(aero_areas_load(root, &again) == (areas->count ? 1 : 0));
	if (areas->count)
		MUST(!memcmp(&again, areas, sizeof(again)));
}

static void look(const char *root, struct aero_areas *areas)
{
	uint64_t sum = 0;

	MUST(aero_areas_look(root, areas) == 0);
	for (size_t i = 0; i < areas->count; i++) {
		MUST(areas->area[i].on || !areas->area[i].used_kib);
		sum += areas->area[i].used_kib;
	}
	MUST(sum == areas->used_kib);
}

static void header(const char *root, const uint8_t *bytes, size_t size)
{
	struct aero_area area = {.path = AREA, .zram = -1};
	size_t at = 1024 + 3 * 4;
	char path[128];
	int fd;

	/* The header is this area's exactly when the identity is, and the file long enough. */
	fuzz_file(AREA, bytes, size);
	for (size_t i = 0; i < AERO_UUID_BYTES && at + i < size; i++)
		area.uuid[i] = bytes[at + i];
	MUST(aero_header_is(root, &area) == (size >= at + AERO_UUID_BYTES + 16));
	area.uuid[0] ^= 1;
	MUST(!aero_header_is(root, &area));
	snprintf(path, sizeof(path), "%s" AREA, root);
	fd = open(path, O_RDWR | O_CLOEXEC);
	MUST(fd >= 0 && aero_header_write(fd, 1 << 20, area.uuid) == 0);
	close(fd);
	MUST(aero_header_is(root, &area));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct aero_areas areas;
	const char *root = fuzz_folder();
	char *record = fuzz_part(&data, &size), *swaps = fuzz_part(&data, &size);
	int ret;

	fuzz_file(AERO_AREAS_RECORD, record, strlen(record));
	fuzz_file("/proc/swaps", swaps, strlen(swaps));
	header(root, data, size);
	ret = aero_areas_load(root, &areas);
	MUST(ret == 1 || ret == -1);
	MUST(ret == 1 || (*aero_error() && !areas.count));
	MUST(areas.count <= AERO_AREAS_MAX);
	for (size_t i = 0; i < areas.count; i++)
		MUST(areas.area[i].path[0] == '/' && areas.area[i].zram >= -1 &&
		     memchr(areas.area[i].path, 0, AERO_PATH_MAX));
	if (ret == 1) {
		write_and_read(root, &areas);
		look(root, &areas);
	}
	free(record);
	free(swaps);
	return 0;
}
