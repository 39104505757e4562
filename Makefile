# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The commands people type; Meson builds user space, Kbuild the modules.

BUILD   := build
VERSION := $(shell sed -n "s/^  version: '\(.*\)',/\1/p" meson.build)
# Guest tests at the same time: each is one QEMU with one or two CPUs.
JOBS    ?= $(shell nproc)

# For make fuzz: how long each fuzzer looks for new inputs.
FUZZ_SECONDS ?= 60

# For make run: vmware or xen, and on Xen the guest: pvh or pv.
HYPERVISOR ?= vmware
AERO_DOMU  ?= pvh

.PHONY: help all run run-vmware run-virtio run-xen check check-fast check-guest check-xen check-xen-long \
	check-long check-kernels check-mutants check-packages install deb bench bench-virtio bench-xen bench-policy \
	modules user guest xen xen-kernels kernels \
	clean fuzz tools-fast tools-guest tools-kernel tools-libvirt tools-lint

help:
	@echo 'make run          a real guest gives memory to its host and takes it back'
	@echo '                  HYPERVISOR=virtio: the same with the balloon device of QEMU'
	@echo '                  HYPERVISOR=xen: the same on real Xen; AERO_DOMU=pv: with a PV guest'
	@echo 'make check        all the tests but those below (half an hour; the first time 50 minutes, and a GB)'
	@echo 'make check-fast   the tests that need no guest and no root (4 to 6 minutes)'
	@echo 'make check-guest  the tests in real guests of the VMware side'
	@echo 'make check-xen    the tests on real Xen (10 minutes; the first time it builds two kernels)'
	@echo 'make check-xen-long  a Xen guest under sudden demand, for an hour'
	@echo 'make check-long   what takes too long for make check; check-kernels and check-xen-long, too (hours)'
	@echo 'make check-kernels  kernels from 5.10 to the newest, and arm64 (a GB to fetch)'
	@echo 'make check-mutants  bugs put in on purpose, which the tests must notice (half an hour)'
	@echo 'make check-packages  Debian packages, installed in a real Debian, booted, upgraded, purged (as root)'
	@echo 'make fuzz         every fuzzer for FUZZ_SECONDS=60 each'
	@echo 'make bench        our modules and the kernel'"'"'s own driver, side by side'
	@echo 'make bench-virtio the same with the balloon device of QEMU, and virtio_balloon'
	@echo 'make bench-xen    the same on real Xen'
	@echo 'make bench-policy what a guest that sizes itself saves, and what it costs (10 minutes)'
	@echo 'make modules      the kernel modules, for the kernel in KDIR= (default: the lab'"'"'s)'
	@echo 'make install      the programs, their units and manual, and the modules'"'"' sources for DKMS; PREFIX=/usr/local DESTDIR='
	@echo 'make deb          Debian packages of these, and of the modules for DKMS, in $(BUILD)/deb'
	@echo 'make all          everything that is built'
	@echo 'make clean        remove $(BUILD)/ (what was downloaded stays in the cache)'

all: user modules

tools-fast:
	@lab/setup tools fast

tools-arm64:
	@lab/setup tools arm64

tools-guest:
	@lab/setup tools guest

tools-kernel:
	@lab/setup tools kernel

tools-lint:
	@lab/setup tools lint

tools-libvirt:
	@lab/setup tools libvirt

$(BUILD)/build.ninja:
	@meson setup --werror $(BUILD) >$(BUILD)-setup.log || { cat $(BUILD)-setup.log; exit 1; }
	@rm -f $(BUILD)-setup.log

user: tools-fast
	@test -f $(BUILD)/build.ninja || $(MAKE) --no-print-directory -s $(BUILD)/build.ninja
# On a terminal ninja shows how far it is; in a log that would be a line for each file.
	@case "$$(ninja -C $(BUILD) -n)" in \
	*'no work to do'*) ;; \
	*)	echo 'building the programs (up to three minutes)'; \
		if [ -t 1 ]; then ninja -C $(BUILD); else ninja -C $(BUILD) --quiet; fi ;; \
	esac

# Without KDIR the modules are for the lab's kernel, whose headers are in the cache.
modules: tools-guest
	@set -e; kdir='$(KDIR)'; \
	if [ -z "$$kdir" ]; then eval "$$(lab/setup kernel)"; kdir=$$AERO_KDIR; fi; \
	linux/build "$$kdir" '$(VERSION)'

# What a guest boots: user space for it, kernel, modules, lab.env.
guest: tools-guest user
	@$(MAKE) --no-print-directory modules KDIR=
	@lab/setup guest $(BUILD) >/dev/null

# Xen, its tools and a dom0 for the lab.
xen: guest
	@lab/setup xen $(BUILD) >/dev/null

# The same with two kernels of our own, which are built once, and modules for them.
xen-kernels: tools-kernel guest
	@set -e; for kernel in own debug; do \
		env=$$(lab/setup kernel-xen $$kernel); eval "$$env"; \
		linux/build "$$AERO_KDIR" '$(VERSION)'; \
	done
	@lab/setup xen $(BUILD) >/dev/null

# Other kernels, with headers and compilers, and what emulates arm64.
kernels: tools-arm64 guest
	@lab/setup kernels $(BUILD) >/dev/null

run:
	@case '$(HYPERVISOR)' in \
	vmware | xen | virtio) $(MAKE) --no-print-directory run-$(HYPERVISOR) ;; \
	*) echo "make run: there is no HYPERVISOR '$(HYPERVISOR)'; there are: vmware (default), xen, virtio" >&2; \
		exit 2 ;; \
	esac

run-vmware: guest
	@$(BUILD)/demo/aerostat-demo --platform vmware

run-virtio: guest
	@$(BUILD)/demo/aerostat-demo --platform virtio

run-xen: xen
	@$(BUILD)/demo/aerostat-demo --platform xen --type '$(AERO_DOMU)'

check-fast: user
	@tests/run fast $(BUILD) $(JOBS)

fuzz: user
	@set -e; for corpus in tests/fuzz/corpus/*; do \
		name=$$(basename "$$corpus"); \
		tests/fuzz/run "$(BUILD)/tests/fuzz-$$name" "$$corpus" "$(FUZZ_SECONDS)" $(BUILD)/tests/fuzz-failures; \
	done

check-guest: guest
	@tests/run guest $(BUILD) $(JOBS)

# All that is to be fetched is fetched before the tests, and said.
check-packages:
	@[ "$$(id -u)" -eq 0 ] || { \
		echo 'make check-packages: a Debian is made and entered by chroot, which wants root: sudo make check-packages' >&2; \
		exit 1; \
	}
	@lab/setup tools deb
	@$(MAKE) --no-print-directory guest
	@lab/setup prometheus >/dev/null
	@lab/setup debian >/dev/null
	@echo 'building packages, installing them in a Debian, and booting it (up to an hour and a half)'
	@tests/run packages $(BUILD) $(JOBS)

check-xen: xen-kernels
	@tests/run xen $(BUILD) $(JOBS)

check-xen-long: xen
	@tests/run xen-long $(BUILD) $(JOBS)

check-kernels: kernels
	@tests/run kernels $(BUILD) $(JOBS)

# Without checkpatch and Prometheus their tests are skipped and say so; that is no reason to stop here.
check: tools-lint xen-kernels
	@tests/tools/checkpatch-setup >/dev/null || echo 'make: going on without checkpatch'
	@lab/setup prometheus >/dev/null || echo 'make: going on without Prometheus'
	@lab/setup kernels $(BUILD) trixie >/dev/null
	@tests/run check $(BUILD) $(JOBS)

# PART=engine, protocol, policy, host or tools: only those.
check-mutants: tools-fast
	@tests/tools/mutants $(or $(PART),all)

check-long: xen kernels tools-libvirt
	@tests/run check-long $(BUILD) $(JOBS)

bench: tools-lint guest
	@$(BUILD)/bench/aerostat-bench

bench-virtio: tools-lint guest
	@$(BUILD)/bench/aerostat-bench-virtio

bench-xen: tools-lint xen
	@$(BUILD)/bench/aerostat-bench-xen

bench-policy: tools-lint xen
	@$(BUILD)/bench/policy/aerostat-bench-policy

# A build of its own: without tests and lab, so without what only these need.
install: PREFIX ?= /usr/local
install:
	@set -e; mkdir -p $(BUILD); again=; [ ! -f $(BUILD)/release/build.ninja ] || again=--reconfigure; \
	meson setup $$again --buildtype=release --prefix='$(PREFIX)' -Dtests=false -Dbench=false -Dlab=false \
		$(BUILD)/release >$(BUILD)-setup.log || { cat $(BUILD)-setup.log; exit 1; }; \
	rm -f $(BUILD)-setup.log; \
	DESTDIR='$(if $(DESTDIR),$(abspath $(DESTDIR)))' meson install -C $(BUILD)/release

deb:
	@lab/setup tools deb
	@packaging/deb $(BUILD)

clean:
	rm -rf $(BUILD)
