# Plimsoll for people: everything goes through meson + ninja; this file names the things one does.
#   make          build/plimsoll            make run    build and serve on loopback
#   make test     everything that proves it make check  format, layers, headers, warnings
SHELL   := /bin/bash
RELEASE := build/release
TEST    := build/test
CLANG   := build/clang
QUIET   := >/dev/null
# Where ccache is there, meson uses it: builds in several folders and in copies of the tree share objects.
export CCACHE_NOHASHDIR := 1

.PHONY: all run test unit check bench fuzz soak deb deps deps-test clean

all: build/plimsoll

# Installs the Debian packages that building and running need; silent when nothing is missing.
deps:
	@tools/deps run

deps-test:
	@tools/deps test

$(RELEASE)/build.ninja: | deps
	@meson setup $(RELEASE) --buildtype=debugoptimized $(QUIET)

.PHONY: build/plimsoll
build/plimsoll: deps $(RELEASE)/build.ninja
	@ninja -C $(RELEASE) --quiet
	@ln -sf release/cmd/plimsoll build/plimsoll

# Serves on loopback with the example site beside it, until Ctrl-C; data in ./var.
run: build/plimsoll
	@tools/run

$(TEST)/build.ninja: | deps-test
	@meson setup $(TEST) -Dtests=true -Db_sanitize=address,undefined -Db_lundef=false $(QUIET)

test: deps-test build/plimsoll $(TEST)/build.ninja
	@tools/test

check: deps-test $(RELEASE)/build.ninja $(TEST)/build.ninja
	@tools/check

bench: deps-test build/plimsoll $(TEST)/build.ninja
	@tools/bench

# make fuzz T=http_parse S=60: one target for S seconds; without T all of them.
fuzz: deps-test
	@tools/fuzz "$(T)" "$(or $(S),60)"

# The long forms of the kill and overload tests.
soak: deps-test build/plimsoll $(TEST)/build.ninja
	@tools/soak

# The Debian package, in build/deb; test/package/install_test tries it on a bare system.
deb:
	@tools/deps deb
	@tools/deb

clean:
	@rm -rf build
