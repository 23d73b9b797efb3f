# SPDX-License-Identifier: MIT

include stress/stress.mk
include stress/bench.mk
include stress/explore.mk
include stress/mutants.mk
