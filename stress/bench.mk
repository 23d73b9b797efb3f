# SPDX-License-Identifier: MIT

#: Bench
#:   stress/weft-bench        weft beside the C library; --quick takes 20 seconds; weft-bench(1)
#:
bin_PROGRAMS += stress/weft-bench

stress_weft_bench_SOURCES = \
	stress/bench/bench.h \
	stress/bench/clock.c \
	stress/bench/json.c \
	stress/bench/kernels.h \
	stress/bench/lines.c \
	stress/bench/main.c \
	stress/bench/peer-bare.h \
	stress/bench/peer-glibc.h \
	stress/bench/peer-weft.h \
	stress/bench/peer.h \
	stress/bench/peers.c \
	stress/bench/report.c \
	stress/bench/stats.c \
	stress/bench/summary.c \
	stress/bench/team.c

stress_weft_bench_CFLAGS = $(AM_CFLAGS) $(JSON_C_CFLAGS)
stress_weft_bench_LDADD = lib/libweft.la $(JSON_C_LIBS) -lm

dist_man_MANS += doc/man/weft-bench.1

# A cross build runs its tests in an emulator, which this script knows nothing of.
dist_check_SCRIPTS += stress/bench/smoke.sh
if !CROSS_COMPILING
TESTS += stress/bench/smoke.sh
endif
