/* SPDX-License-Identifier: MIT */
/* The peers, in the order in which they run and are shown. The first one is what the ratios are about. */
#include "peer-weft.h"
#include "peer-glibc.h"
#include "peer-bare.h"

const struct peer *const peers[] = { &on_weft_peer, &on_glibc_peer, &on_bare_peer };
const unsigned n_peers = sizeof(peers) / sizeof(peers[0]);

_Static_assert(sizeof(peers) / sizeof(peers[0]) <= MAX_PEERS, "raise MAX_PEERS");
