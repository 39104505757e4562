/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A real Debian with systemd in which our packages were installed, and then a newer kernel
 * (tests/packaging/packages.test), booted with nothing typed: with the newer kernel by its own
 * boot loader on VMware, with the older one on virtio.
 */
#include <stdio.h>
#include <unistd.h>

#include "../vmware/monitor.h"
#include "platform.h"

#define PAGES	   (200 * LARGE_PAGES) /* 400 of 1024 MiB */
#define DATA_MIB   64u
#define SWAPPED_KB 30000u
#define BOOT_S	   400
/* Programs that do much take long in an emulated guest. */
#define LONG_MS	   1800000u

#define OUR_CGROUP "/sys/fs/cgroup/system.slice/aerostat-agent.service/"
#define SWAP_USED  "awk 'NR > 1 { n += $4 } END { print n + 0 }' /proc/swaps"

static char disk[512], kernel[512], initramfs[512];
static const char *const dmi[] = {
	"-smbios", "type=1,manufacturer=VMware,, Inc.,product=VMware Virtual Platform", NULL};
static const struct lab_config vmware = {
	.memory_mib = 1024,
	.disk = disk,
	.boot_s = BOOT_S,
	.extra = dmi,
};
static const struct lab_config virtio = {
	.platform = &lab_platform_virtio,
	.memory_mib = 1024,
	.disk = disk,
	.boot_s = BOOT_S,
	.kernel = kernel,
	.initramfs = initramfs,
	.append = "root=/dev/vda1 rw",
};

/*
 * Up, and udev has seen all devices: in a slow guest it may be later than all services.
 * @which of the kernels that are installed, by age: "head" or "tail".
 */
static const char *running(struct lab_guest *g, const char *which)
{
	LAB_OK(lab_must(g, LONG_MS,
			"systemctl is-system-running --wait || { systemctl --failed; exit 1; }; "
			"udevadm settle --timeout=600"));
	LAB_OK(lab_must(g, 10000,
			"uname -r; [ $(uname -r) = $(ls /lib/modules | sort -V | %s -n 1) ]",
			which));
	return NULL;
}

static const char *in_charge(struct lab_guest *g, const char *hypervisor, const char *kernels_own)
{
	LAB_OK(lab_must(
		g, 30000,
		"grep -x %s /sys/kernel/aerostat/hypervisor && ! grep '^%s ' /proc/modules || {"
		" cat /sys/class/dmi/id/modalias /sys/bus/virtio/devices/*/modalias;"
		" journalctl -b | grep -i 'aerostat\\|balloon\\|vmware'; false; }",
		hypervisor, kernels_own));
	LAB_OK(lab_must(g, 10000, "systemctl status aerostatd"));
	return NULL;
}

static const char *reaches_a_target(struct lab_guest *g)
{
	LAB_OK(lab_data_fill(g, DATA_MIB, 7));
	LAB_OK(lab_target(g, PAGES));
	LAB_OK(lab_wait_size(g, PAGES, PAGES, SETTLE_MS));
	LAB_OK(lab_data_check(g));
	LAB_OK(lab_target(g, 0));
	LAB_OK(lab_wait_size(g, 0, 0, SETTLE_MS));
	LAB_OK(lab_data_check(g));
	return NULL;
}

static const char *vmware_by_itself(struct lab_guest *g)
{
	LAB_TRY(running(g, "tail"));
	LAB_TRY(in_charge(g, "vmware", "vmw_balloon"));
	return reaches_a_target(g);
}

static const char *virtio_by_itself(struct lab_guest *g)
{
	LAB_TRY(running(g, "head"));
	LAB_TRY(in_charge(g, "virtio", "virtio_balloon"));
	return reaches_a_target(g);
}

/* ---- the daemon under its unit ---- */

static const char *set_up_swap(struct lab_guest *g)
{
	LAB_OK(lab_must(g, 60000,
			"modprobe zram num_devices=0 && aerostat swap setup --zram --areas 2 "
			"--size-mib 64"));
	return NULL;
}

/* Calls the area's undo; nothing of it is left. */
static const char *undone(struct lab_guest *g)
{
	LAB_OK(lab_must(g, 60000,
			"systemctl is-active aerostatd && aerostat swap undo && "
			"[ $(wc -l </proc/swaps) -eq 1 ] && ! ls /sys/block | grep zram && "
			"! ls /run/aerostat/swap /var/lib/aerostat/swap 2>/dev/null"));
	return NULL;
}

static const char *brings_pages_home(struct lab_guest *g)
{
	LAB_TRY(set_up_swap(g));
	LAB_OK(lab_data_fill(g, DATA_MIB, 9));
	lab_sh(g, 60000, NULL, "echo 60M >" OUR_CGROUP "memory.reclaim");
	LAB_OK(lab_must(g, 20000, "n=$(" SWAP_USED "); echo $n KiB swapped; [ $n -gt %u ]",
			SWAPPED_KB));
	LAB_OK(lab_must(g, 10000,
			"cd /sys/kernel/aerostat/policy && echo 1 >selfballoon_interval &&"
			"echo 4 >frontswap_hysteresis && echo 1 >frontswap_selfshrinking"));
	LAB_OK(lab_must(g, 180000,
			"until [ $(" SWAP_USED ") -lt 4096 ]; do sleep 1; done; cat /proc/swaps"));
	LAB_OK(lab_data_check(g));
	LAB_OK(lab_must(g, 10000, "echo 0 >/sys/kernel/aerostat/policy/frontswap_selfshrinking"));
	/* What it switched on is named as its own folders show it; it is known all the same. */
	LAB_OK(lab_must(
		g, 60000,
		"cat /proc/swaps && systemctl restart aerostatd && "
		"aerostat swap status | tee /dev/stderr | grep -c '^/dev/zram[0-9]* on ' | grep -x 2"));
	return undone(g);
}

/* Switched on by the daemon, which has then ended. */
static const char *switched_on_by_the_daemon(struct lab_guest *g, const char *area)
{
	LAB_OK(lab_must(
		g, 60000,
		"area=%s; swapoff $area && systemctl restart aerostatd && for i in $(seq 20); do"
		" [ $(wc -l </proc/swaps) -ne 3 ] || break; sleep 1; done; "
		"systemctl stop aerostatd && cat /proc/swaps && aerostat swap status && "
		"aerostat swap status | grep \"^$area on \" && systemctl start aerostatd",
		area));
	return NULL;
}

/*
 * Reported: under the shipped unit areas became unrecognisable: what the daemon switched on
 * was of its own mount namespace, and after its end status said "off" and undo failed.
 */
static const char *knows_its_areas_after_a_restart(struct lab_guest *g)
{
	LAB_TRY(set_up_swap(g));
	LAB_TRY(switched_on_by_the_daemon(g, "/dev/zram1"));
	LAB_TRY(undone(g));
	LAB_OK(lab_must(g, 60000,
			"mkdir /srv/swap && aerostat swap setup --directory /srv/swap --areas 2 "
			"--size-mib 16 && cat /proc/swaps"));
	LAB_TRY(switched_on_by_the_daemon(g, "$(ls /srv/swap/* | head -n 1)"));
	LAB_TRY(undone(g));
	LAB_OK(lab_must(g, 10000, "rmdir /srv/swap"));
	return NULL;
}

/* ---- settings and figures under systemd ---- */

#define CONFIG "/etc/aerostat.conf"

static const char *has_period(struct lab_guest *g, unsigned int ms)
{
	LAB_OK(lab_must(g, 60000,
			"for i in $(seq 40); do"
			" [ $(cat /sys/kernel/aerostat/period_ms) != %u ] || exit 0; sleep 1; done;"
			" cat /sys/kernel/aerostat/period_ms; systemctl status aerostat-config;"
			" false",
			ms));
	return NULL;
}

/* A wrong file fails the reload and changes nothing; a line that was taken out is undone. */
static const char *applies_its_configuration(struct lab_guest *g)
{
	LAB_OK(lab_must(g, 60000,
			"echo 'period_ms = 2s' >" CONFIG " && systemctl start aerostat-config"));
	LAB_TRY(has_period(g, 2000));
	LAB_OK(lab_must(g, 60000,
			"echo 'period_ms = 2' >" CONFIG " && ! systemctl reload aerostat-config"));
	LAB_TRY(has_period(g, 2000));
	LAB_OK(lab_must(g, 60000,
			"echo 'period_ms = 3s' >" CONFIG
			" && systemctl reload-or-restart aerostat-config"));
	LAB_TRY(has_period(g, 3000));
	/* The module comes once more, with values of its own. */
	LAB_OK(lab_must(g, 120000, "modprobe -r aerostat_vmware && modprobe aerostat_vmware"));
	LAB_TRY(has_period(g, 3000));
	LAB_OK(lab_must(g, 60000,
			"echo '# nothing' >" CONFIG " && systemctl reload aerostat-config"));
	LAB_TRY(has_period(g, 1000));
	LAB_OK(lab_must(g, 10000, "rm " CONFIG));
	return NULL;
}

/*
 * The folder is node_exporter's, and belongs to somebody else.  The module may come after the first
 * figures were written.
 */
static const char *writes_figures(struct lab_guest *g)
{
	LAB_OK(lab_must(
		g, 120000,
		"mkdir -p /var/lib/prometheus/node-exporter && "
		"chown -R daemon /var/lib/prometheus && "
		"systemctl restart aerostat-export.timer && cd /var/lib/prometheus/node-exporter"
		" && for i in $(seq 60); do grep -qsx 'aerostat_up 1' aerostat.prom && break; "
		"sleep 1; done; grep -x 'aerostat_up 1' aerostat.prom || {"
		" systemctl status aerostat-export.service; cat aerostat.prom; false; }"));
	LAB_OK(lab_must(g, 60000,
			"systemctl stop aerostat-export.timer && rm -r /var/lib/prometheus"));
	return NULL;
}

/* ---- packages ---- */

/* The loaded module stays as it is until the next boot; the new one is there for it. */
static const char *upgrade_with_a_full_balloon(struct lab_guest *g)
{
	LAB_OK(lab_data_fill(g, DATA_MIB, 11));
	LAB_TRY(inflate_to(g, PAGES));
	LAB_OK(lab_must(g, LONG_MS,
			"DEBIAN_FRONTEND=noninteractive apt-get -q -y install "
			"/srv/aerostat_*+1_*.deb /srv/aerostat-dkms_*+1_*.deb"));
	LAB_TRY(sizes_agree(g, PAGES));
	LAB_OK(lab_data_check(g));
	LAB_OK(lab_must(g, 30000,
			"aerostat --version | grep '+1$' && systemctl is-active aerostatd && "
			"modinfo -F version aerostat | grep '+1$' && "
			"! grep '+1$' /sys/module/aerostat/version"));
	return NULL;
}

static const char *kernels_driver_moves(struct lab_guest *g)
{
	LAB_OK(lab_must(g, LONG_MS, "until grep '^vmw_balloon ' /proc/modules; do sleep 1; done"));
	LAB_OK(lab_target(g, PAGES));
	LAB_OK(lab_wait_size(g, PAGES, PAGES, 2 * SETTLE_MS));
	return NULL;
}

/* Removing stops the daemon, and unloads the modules with the balloon's pages. */
static const char *purge_with_a_full_balloon(struct lab_guest *g)
{
	LAB_OK(lab_data_fill(g, DATA_MIB, 13));
	LAB_TRY(inflate_to(g, PAGES));
	LAB_TRY(set_up_swap(g));
	LAB_OK(lab_must(
		g, LONG_MS,
		"DEBIAN_FRONTEND=noninteractive apt-get -q -y purge aerostat aerostat-dkms"));
	LAB_OK(lab_must(
		g, 10000,
		"! grep aerostat /proc/modules && ! pidof aerostatd && "
		"[ ! -e /etc/modprobe.d/aerostat.conf ] && [ $(wc -l </proc/swaps) -eq 1 ]"));
	LAB_OK(lab_data_check(g));
	/* At once, and after a restart. */
	LAB_TRY(kernels_driver_moves(g));
	LAB_OK(lab_must(g, 30000, "sync"));
	LAB_OK(lab_reset(g));
	LAB_TRY(running(g, "tail"));
	LAB_OK(lab_must(g, 10000, "! grep aerostat /proc/modules"));
	return kernels_driver_moves(g);
}

static const struct lab_test tests[] = {
	{"vmware-starts-by-itself", vmware_by_itself, .config = &vmware, .timeout_s = 600},
	{"brings-pages-home", brings_pages_home, .config = &vmware, .timeout_s = 400},
	{"knows-its-areas-after-a-restart", knows_its_areas_after_a_restart, .config = &vmware,
	 .timeout_s = 300},
	{"applies-its-configuration", applies_its_configuration, .config = &vmware,
	 .timeout_s = 600},
	{"writes-figures-by-a-timer", writes_figures, .config = &vmware, .timeout_s = 300},
	{"upgrade-with-a-full-balloon", upgrade_with_a_full_balloon, .config = &vmware,
	 .timeout_s = 2000},
	{"purge-with-a-full-balloon", purge_with_a_full_balloon, .config = &vmware,
	 .timeout_s = 3600, .spoils = true},
	{"virtio-starts-by-itself", virtio_by_itself, .config = &virtio, .timeout_s = 600},
};

static const struct lab_suite suite = {
	.name = "packages",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.boots = true,
};

int main(int argc, char **argv)
{
	const char *build = lab_build_folder();

	if (!build) {
		fprintf(stderr, "%s\n", lab_error());
		return 1;
	}
	snprintf(disk, sizeof(disk), "%s/packages/root.img", build);
	snprintf(kernel, sizeof(kernel), "%s/packages/vmlinuz-older", build);
	snprintf(initramfs, sizeof(initramfs), "%s/packages/initrd-older", build);
	if (access(disk, R_OK)) {
		printf("1..0 # SKIP there is no image: the test packages-installed makes it\n");
		return 0;
	}
	return lab_suite_main(argc, argv, &suite);
}
