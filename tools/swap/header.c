// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What mkswap(8) writes: the first page of an area, in the machine's byte order. */
#include "areas.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Of the kernel's union swap_header, version 1. */
struct header {
	char boot_sector[1024];
	uint32_t version;
	uint32_t last_page;
	uint32_t bad_pages;
	uint8_t uuid[AERO_UUID_BYTES];
	char label[16];
};

_Static_assert(sizeof(struct header) == 1024 + 3 * 4 + 32, "as the kernel has it");

/* The last bytes of the page. */
static const char signature[10] = {'S', 'W', 'A', 'P', 'S', 'P', 'A', 'C', 'E', '2'};

#define PAGE_MAX_BYTES 65536U

static size_t page_bytes(void)
{
	long bytes = sysconf(_SC_PAGESIZE);

	return bytes > 0 && bytes <= (long)PAGE_MAX_BYTES ? (size_t)bytes : 4096;
}

int aero_header_write(int fd, uint64_t bytes, const uint8_t *uuid)
{
	static char page[PAGE_MAX_BYTES];
	size_t size = page_bytes();
	struct header header = {.version = 1, .label = "aerostat"};
	ssize_t n;

	if (bytes / size < 10 || bytes / size > UINT32_MAX)
		return -EINVAL;
	header.last_page = (uint32_t)(bytes / size - 1);
	memcpy(header.uuid, uuid, AERO_UUID_BYTES);
	memset(page, 0, size);
	memcpy(page, &header, sizeof(header));
	memcpy(page + size - sizeof(signature), signature, sizeof(signature));
	n = pwrite(fd, page, size, 0);
	if (n < 0)
		return -errno;
	if ((size_t)n != size)
		return -EIO;
	return fsync(fd) ? -errno : 0;
}

bool aero_header_is(const char *root, const struct aero_area *area)
{
	char path[2 * AERO_PATH_MAX];
	struct header header;
	bool same;
	int fd;

	snprintf(path, sizeof(path), "%s%s", root, area->path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	same = pread(fd, &header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
	       !memcmp(header.uuid, area->uuid, AERO_UUID_BYTES);
	close(fd);
	return same;
}
