/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The guest's memory as an image: hibernation to a disk and back, another kernel by kexec, and a
 * dump.  docs/design/life.md.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/disks.h"
#include "monitor.h"

#define PAGES	   60013u
#define MOST	   80011u /* with so much in the balloon too little is left to make an image */
#define BOOT_PAGES 20000u /* of the balloon that the kernel has which loads the image */
#define DATA_MIB   64u
#define RESTART_MS 60000

/* The disks, in this order: swap for an image, swap that is too small, and a kernel to start. */
static struct disks disks;
static struct lab_config config = {.memory_mib = 512, .extra = disks.args};

static const struct lab_config dumped = {.memory_mib = 512};

static const char *no_balloon(struct lab_guest *g)
{
	uint64_t connected;

	LAB_TRY(monitor_number(g, "connection.connected", &connected));
	LAB_CHECK(!connected, "the host still has a connection");
	LAB_OK(lab_wait_size(g, 0, 0, 1000));
	return NULL;
}

static const char *disks_up(struct lab_guest *g)
{
	LAB_OK(lab_must(g, 20000, "modprobe virtio_pci; modprobe virtio_blk && ls /dev/vd[abcd]"));
	return NULL;
}

static const char *all_back(struct lab_guest *g)
{
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(nothing_lost(g));
	LAB_OK(lab_data_check(g));
	return driver_unload(g);
}

/*
 * The guest writes its memory to a disk and restarts.  The balloon holds so much of it that it has
 * to make room first.  The kernel that boots then has a balloon of its own when it loads the image;
 * after that, the balloon of the first kernel is there again.
 */
static const char *hibernates_to_a_disk(struct lab_guest *g)
{
	int id, load;

	LAB_OK(lab_data_fill(g, DATA_MIB, 51));
	LAB_TRY(disks_up(g));
	LAB_OK(lab_must(g, 20000, "mkswap /dev/vda && swapon /dev/vda"));
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, MOST));
	LAB_OK(lab_expect_restart(g));
	id = lab_begin(g, 120000, "sh echo reboot >/sys/power/disk && echo disk >/sys/power/state");
	LAB_CHECK(id > 0, "%s", lab_error());
	LAB_OK(lab_wait_restart(g, RESTART_MS));
	LAB_CHECK(lab_end(g, id, 0, NULL) == -ETIMEDOUT, "the guest did not sleep");
	LAB_TRY(no_balloon(g));

	LAB_OK(lab_target(g, BOOT_PAGES));
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, BOOT_PAGES));
	LAB_TRY(disks_up(g));
	LAB_OK(lab_target(g, MOST));
	load = lab_begin(g, 60000, "sh cat /sys/block/vda/dev >/sys/power/resume; false");
	LAB_CHECK(load > 0, "%s", lab_error());
	LAB_CHECK(lab_end(g, id, RESTART_MS, NULL) == 0, "the image was not resumed: %s",
		  lab_error());
	LAB_OK(lab_wait_size(g, MOST, MOST, SETTLE_MS));
	LAB_TRY(sizes_agree(g, MOST));
	LAB_OK(lab_must(g, 20000, "swapoff /dev/vda"));
	return all_back(g);
}

/* There is too little swap for the image: the guest goes on, and so does the balloon. */
static const char *hibernation_that_fails(struct lab_guest *g)
{
	LAB_OK(lab_data_fill(g, DATA_MIB, 52));
	LAB_TRY(disks_up(g));
	LAB_OK(lab_must(g, 20000, "mkswap /dev/vdb && swapon /dev/vdb"));
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, PAGES));
	LAB_OK(lab_must(g, 60000,
			"echo reboot >/sys/power/disk; ! echo disk >/sys/power/state 2>/tmp/why;"
			" grep -q 'No space' /tmp/why || { cat /tmp/why; exit 1; }"));
	LAB_OK(lab_wait_size(g, PAGES, PAGES, SETTLE_MS));
	LAB_TRY(sizes_agree(g, PAGES));
	LAB_OK(lab_must(g, 20000, "swapoff /dev/vdb"));
	return all_back(g);
}

/*
 * kexec: the machine does not notice that another kernel runs, which uses all memory.  So the
 * balloon says goodbye before.
 */
static const char *another_kernel_by_kexec(struct lab_guest *g)
{
	char *parameters = NULL;

	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, PAGES));
	LAB_TRY(disks_up(g));
	LAB_OK(lab_must(g, 60000, "cat /dev/vdc >/tmp/kernel && cat /dev/vdd >/tmp/initrd"));
	LAB_OK(lab_read_file(g, "/proc/cmdline", &parameters));
	parameters[strcspn(parameters, "\n")] = 0;
	LAB_OK(lab_expect_restart(g));
	LAB_CHECK(lab_call(g, 60000, NULL, "kexec /tmp/kernel /tmp/initrd %s kexeced",
			   parameters) == 0,
		  "%s", lab_error());
	free(parameters);
	LAB_OK(lab_wait_restart(g, RESTART_MS));
	LAB_OK(lab_must(g, 5000, "grep -q kexeced /proc/cmdline"));
	LAB_TRY(no_balloon(g));
	LAB_OK(lab_data_fill(g, DATA_MIB, 53));
	LAB_TRY(driver_load(g));
	LAB_OK(lab_wait_size(g, PAGES, PAGES, SETTLE_MS));
	LAB_TRY(sizes_agree(g, PAGES));
	return all_back(g);
}

/* ---- dumps ---- */

static char command[20000];

/* The number behind "NAME : 0x" in what makedumpfile says. */
static const char *excluded(const char *said, const char *name, uint64_t *pages)
{
	const char *at = strstr(said, name);

	at = at ? strstr(at, "0x") : NULL;
	LAB_CHECK(at, "makedumpfile says nothing of '%s':\n%s", name, said);
	*pages = strtoull(at, NULL, 16);
	return NULL;
}

/*
 * Where the kernel's structures are is in a note that a kernel which dumps itself would add to its
 * dump.  QEMU's dump has it only if the guest has a driver for that, so it is read out of the
 * guest's memory here.  /sys/kernel/vmcoreinfo tells where it is.
 */
static const char *save_notes(struct lab_guest *g, const char *file)
{
	char *text = NULL, raw[4200];
	unsigned long long at, bytes;
	json_t *done;
	int fields;

	LAB_OK(lab_read_file(g, "/sys/kernel/vmcoreinfo", &text));
	fields = sscanf(text, "%llx %llx", &at, &bytes);
	free(text);
	LAB_CHECK(fields == 2, "no address in /sys/kernel/vmcoreinfo");
	snprintf(raw, sizeof(raw), "%s.raw", file);
	done = lab_qmp(g, "pmemsave",
		       json_pack("{s:I, s:I, s:s}", "val", (json_int_t)at, "size",
				 (json_int_t)bytes, "filename", raw));
	LAB_CHECK(done, "%s", lab_error());
	json_decref(done);
	/* An ELF note's head is 12 bytes, and its name VMCOREINFO is padded to 12. */
	snprintf(command, sizeof(command), "tail -c +25 '%s' | tr -d '\\000' >'%s'; rm '%s'", raw,
		 file, raw);
	LAB_CHECK(!system(command), "can't run %s", command);
	return NULL;
}

/*
 * QEMU 7.2 writes a wrong size of the ELF header, and puts the program headers behind a section
 * header, while makedumpfile looks for them right behind the ELF header.  Moves them there.
 */
static const char *lay_out(const char *dump)
{
	Elf64_Phdr headers[64];
	Elf64_Ehdr elf;
	size_t bytes;
	int fd;

	LAB_CHECK(!chmod(dump, 0600), "%s: %s", dump, strerror(errno));
	fd = open(dump, O_RDWR | O_CLOEXEC);
	LAB_CHECK(fd >= 0, "%s: %s", dump, strerror(errno));
	if (pread(fd, &elf, sizeof(elf), 0) != sizeof(elf) || elf.e_phnum > LAB_COUNT(headers))
		elf.e_phnum = 0;
	bytes = elf.e_phnum * sizeof(headers[0]);
	if (!bytes || pread(fd, headers, bytes, (off_t)elf.e_phoff) != (ssize_t)bytes)
		bytes = 0;
	elf.e_ehsize = sizeof(elf);
	elf.e_phoff = sizeof(elf);
	elf.e_shoff = 0;
	elf.e_shnum = elf.e_shstrndx = 0;
	if (bytes && (pwrite(fd, headers, bytes, sizeof(elf)) != (ssize_t)bytes ||
		      pwrite(fd, &elf, sizeof(elf), 0) != sizeof(elf)))
		bytes = 0;
	close(fd);
	LAB_CHECK(bytes, "%s is no ELF file with at most %zu program headers", dump,
		  LAB_COUNT(headers));
	return NULL;
}

/* Runs makedumpfile on a dump of the whole guest; *said is what it says, to be freed. */
static const char *filter_dump(const char *dump, const char *note, char **said)
{
	size_t length = 0;
	FILE *out = open_memstream(said, &length), *in;
	int c, status;

	snprintf(command, sizeof(command),
		 "makedumpfile -f -d 16 --message-level 31 -i '%s' '%s' '%s.small' 2>&1;"
		 " status=$?; rm -f '%s.small'; exit $status",
		 note, dump, dump, dump);
	in = out ? popen(command, "r") : NULL;
	if (!in)
		return lab_because("can't run makedumpfile: %s", strerror(errno));
	while ((c = getc(in)) != EOF)
		putc(c, out);
	status = pclose(in);
	fclose(out);
	LAB_CHECK(!status, "makedumpfile: status %d: %s", status, *said);
	return NULL;
}

static const char *dump_skips(struct lab_guest *g, const char *file, const char *note,
			      uint64_t held)
{
	const char *wrong;
	char url[4200], *said = NULL;
	uint64_t pages = 0;
	json_t *done;

	snprintf(url, sizeof(url), "file:%s", file);
	done = lab_qmp(g, "dump-guest-memory",
		       json_pack("{s:b, s:s}", "paging", 0, "protocol", url));
	LAB_CHECK(done, "%s", lab_error());
	json_decref(done);
	wrong = lay_out(file);
	if (!wrong)
		wrong = filter_dump(file, note, &said);
	if (!wrong)
		wrong = excluded(said, "Offline pages", &pages);
	unlink(file);
	free(said);
	if (wrong)
		return wrong;
	LAB_CHECK(pages == held,
		  "makedumpfile leaves out %" PRIu64 " pages as offline, not %" PRIu64, pages,
		  held);
	return NULL;
}

/* How many pages /proc/kpageflags says are offline (KPF_OFFLINE). */
static const char *offline_pages(struct lab_guest *g, uint64_t *pages)
{
	char *text = NULL;

	LAB_OK(lab_sh(g, 60000, &text,
		      "dd if=/proc/kpageflags bs=65536 2>/dev/null |"
		      " hexdump -v -e '1/4 \"%%u \" 1/4 \"%%u\\n\"' |"
		      " awk '{ n += int($1 / 8388608) %% 2 } END { print n + 0 }'"));
	*pages = strtoull(text, NULL, 10);
	free(text);
	return NULL;
}

/*
 * What the balloon holds has no content that anybody wants, and reading it would make the host
 * provide it again.  A dump leaves it out: large blocks and single pages.
 */
static const char *dump_leaves_the_balloon_out(struct lab_guest *g)
{
	const char *build = lab_build_folder();
	char file[4096], note[4096];
	uint64_t pages;

	snprintf(file, sizeof(file), "%s/images.dump", build);
	snprintf(note, sizeof(note), "%s/images.vmcoreinfo", build);
	LAB_TRY(save_notes(g, note));
	LAB_TRY(driver_load(g));
	LAB_TRY(inflate_to(g, PAGES));
	LAB_TRY(offline_pages(g, &pages));
	LAB_CHECK(pages == PAGES, "/proc/kpageflags shows %" PRIu64 " pages as offline", pages);
	LAB_TRY(dump_skips(g, file, note, PAGES));
	LAB_TRY(deflate_to(g, 0));
	LAB_TRY(dump_skips(g, file, note, 0));
	unlink(note);
	LAB_TRY(offline_pages(g, &pages));
	LAB_CHECK(!pages, "%" PRIu64 " pages are still marked", pages);
	LAB_TRY(nothing_lost(g));
	return driver_unload(g);
}

static const struct lab_test tests[] = {
	{"hibernates-to-a-disk", hibernates_to_a_disk, .config = &config, .timeout_s = 300,
	 .fresh = true, .spoils = true},
	{"hibernation-that-fails", hibernation_that_fails, .config = &config, .timeout_s = 200},
	{"another-kernel-by-kexec", another_kernel_by_kexec, .config = &config, .timeout_s = 200,
	 .spoils = true},
	{"dump-leaves-the-balloon-out", dump_leaves_the_balloon_out, .config = &dumped,
	 .timeout_s = 200},
};

static const struct lab_suite suite = {
	.name = "images",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = tidy,
};

int main(int argc, char **argv)
{
	const char *build = lab_build_folder();
	static char image[4096], small[4096];
	int status;

	if (!build || !lab_env("AERO_VMLINUZ") || !lab_env("AERO_INITRAMFS")) {
		printf("Bail out! %s\n", lab_error());
		return 1;
	}
	snprintf(image, sizeof(image), "%s/images.swap", build);
	snprintf(small, sizeof(small), "%s/images.small", build);
	if (!disk_file(image, 1 << 30) || !disk_file(small, 1 << 20)) {
		printf("Bail out! %s: %s\n", image, strerror(errno));
		return 1;
	}
	disks_add(&disks, image, false);
	disks_add(&disks, small, false);
	disks_add(&disks, lab_env("AERO_VMLINUZ"), true);
	disks_add(&disks, lab_env("AERO_INITRAMFS"), true);
	status = lab_suite_main(argc, argv, &suite);
	unlink(image);
	unlink(small);
	return status;
}
