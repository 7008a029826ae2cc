# SPDX-License-Identifier: GPL-2.0
#
# vireo. For kbuild this file says what the module is made of; for people it
# is the list of what can be done here: see `make help`.

ifneq ($(KERNELRELEASE),)

include $(src)/src/Makefile

else

# Quoting is the scripts' business: they take these as they were typed.
unexport CMD PARAMS
export VIREO_CMD := $(value CMD)
export VIREO_PARAMS := $(value PARAMS)
export LOAD LOG VM_TIMEOUT RUNS ARCH KERNEL

# What knows of ARCH and KERNEL.
ifeq ($(KDIR),)
ifneq ($(filter-out amd64 x86 x86_64,$(ARCH))$(KERNEL),)
other := $(filter-out all modules demo vm shell test-kernels,$(MAKECMDGOALS))
$(if $(other),$(error ARCH= and KERNEL= are not for: $(other)))
endif
endif

.PHONY: all
all:
	@scripts/build stock

.PHONY: help
help:
	@scripts/help

# With KDIR, the tree of anybody's kernel; without, that of Debian's.
.PHONY: modules
ifdef KDIR
modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules
else
modules: all
endif

.PHONY: setup
setup:
	@scripts/setup stock uml uml-debug

.PHONY: demo
demo:
	@scripts/demo

.PHONY: demo-display
demo-display:
	@scripts/demo-display

# The same for a capture card, of which there is a model.
.PHONY: demo-card
demo-card:
	@scripts/demo-card

.PHONY: demo-browser
demo-browser:
	@scripts/demo-browser

.PHONY: test
test:
	@scripts/test

# The same on each of Debian's kernels.
.PHONY: test-kernels
test-kernels:
	@scripts/test kernels

.PHONY: check
check:
	@scripts/test check

.PHONY: test-debug
test-debug:
	@scripts/test debug

.PHONY: vm
vm:
	@scripts/vm

# As an ordinary user, with other people's programs.
.PHONY: vm-clients
vm-clients:
	@scripts/vm-clients

.PHONY: uml
uml:
	@scripts/uml

.PHONY: vm-debug
vm-debug:
	@scripts/vm debug

.PHONY: vm-kasan
vm-kasan:
	@scripts/vm kasan

.PHONY: uml-debug
uml-debug:
	@scripts/uml debug

# Everything at once, at random, on the kernel for finding bugs: with this seed
# (that of the clock by default), for so many seconds.
.PHONY: torture
torture: SEED ?= $(shell date +%s)
torture: FOR ?= 60
torture:
	@scripts/in-root tests/build
	@VIREO_CMD='SEED=$(SEED) FOR=$(FOR) tests/run torture' \
		VIREO_PARAMS='n_devs=2' VM_TIMEOUT=$$(($(FOR) + 600)) scripts/uml debug

.PHONY: shell
shell:
	@scripts/vm shell

.PHONY: kunit
kunit:
	@scripts/kunit

.PHONY: kunit-debug
kunit-debug:
	@scripts/kunit debug

.PHONY: faults
faults:
	@scripts/faults

.PHONY: coverage
coverage:
	@scripts/coverage

.PHONY: bench
bench:
	@scripts/bench

.PHONY: bench-card
bench-card:
	@scripts/bench-card

.PHONY: bench-time
bench-time:
	@scripts/bench-time

.PHONY: bench-memory
bench-memory:
	@scripts/bench-memory

# The reader of frames, for whoever has frames.
.PHONY: install-tools
install-tools: PREFIX ?= /usr/local
install-tools:
	@scripts/in-root tests/build
	install -D build/tests/release/vireo-check "$(DESTDIR)$(PREFIX)/bin/vireo-check"

# Debian packages, in build/deb; SIGN_KEY and SIGN_CERT sign the modules in them.
export SIGN_KEY SIGN_CERT
.PHONY: deb
deb:
	@scripts/deb

.PHONY: test-packages
test-packages:
	@scripts/test-packages && scripts/test-packages alone

.PHONY: lint
lint:
	@scripts/lint

# What must not compile, and what must: TESTS='NAME...', or all of it.
.PHONY: compile-tests
compile-tests:
	@scripts/compile-tests $(TESTS)

# Would a test notice? TESTS='NAME...': only those of tests/perturb/NAME.patch.
.PHONY: perturb
perturb:
	@scripts/perturb $(TESTS)

.PHONY: rustdoc
rustdoc:
	@scripts/rustdoc

.PHONY: rust-analyzer
rust-analyzer:
	@scripts/rust-analyzer $(KDIR)

# What changed of the C below, from kernel to kernel: SINCE=6.16, SUITES='...'.
.PHONY: kernel-changes
kernel-changes:
	@SINCE='$(SINCE)' SUITES='$(SUITES)' scripts/kernel-changes

# The sources as a series for a kernel tree; and whether each patch builds.
.PHONY: patches test-patches
patches:
	@scripts/patches
test-patches:
	@scripts/patches --check

.PHONY: doctor
doctor:
	@scripts/doctor

# By a key of this machine's own, for Secure Boot.
.PHONY: sign
sign:
	@scripts/sign $(if $(KDIR),*.ko)

.PHONY: test-secure-boot
test-secure-boot:
	@scripts/test-secure-boot mokmanager

.PHONY: clean
clean:
ifdef KDIR
	$(MAKE) -C $(KDIR) M=$(CURDIR) clean
else
	rm -rf build rust-project.json
endif

.PHONY: distclean
distclean: clean
	@scripts/distclean

endif
