/*
 * Gathers how sharing goes, and says in sentences what is wrong with it.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "program/command/status_parts.h"

/* pdns-stickyd writes each second, and hears its peers as often, but may be late. */
#define SILENT_S 10

/* Clocks that differ by more make decisions of one server count before those of another. */
#define CLOCK_OFF_MS 2000

/* Changes that wait longer are not on their way. */
#define WAITING_S 10

#define MS_PER_S 1000

/* Each adds what is wrong with one thing. 0 or ERR_NOMEM. */

static int add_of_daemon(const struct share_view *sharing, int64_t now_s, struct problems *problems)
{
    if (sharing->written_s == 0)
        return problems_add(problems, "mappings are not shared: pdns-stickyd does not run, or has"
                                      " not begun to share yet");
    if (now_s - sharing->written_s < SILENT_S)
        return 0;
    return problems_add(problems,
                        "mappings are not shared: pdns-stickyd has not written share_state for"
                        " %" PRId64 " s",
                        now_s - sharing->written_s);
}

static int add_of_home(const struct share_view *sharing, int64_t now_s, struct problems *problems)
{
    const struct share_state *state = &sharing->state;
    int64_t waiting_s = now_s - state->oldest_ms / MS_PER_S;
    int code = 0;
    if (state->copied)
        code = problems_add(problems,
                            "another server says that it is node %" PRId64 ": one database is a"
                            " copy of the other, and neither hands over; set share.node there",
                            sharing->node);
    if (code == 0 && !state->connected)
        code = problems_add(problems, "not connected to this server's nats-server%s%s",
                            *state->problem ? ": " : "", state->problem);
    else if (code == 0 && *state->problem)
        code = problems_add(problems, "nats-server: %s", state->problem);
    if (code == 0 && *state->warning)
        code = problems_add(problems, "sharing: %s", state->warning);
    if (code == 0 && state->waiting > 0 && state->oldest_ms > 0 && waiting_s >= WAITING_S)
        code = problems_add(
            problems, "%" PRId64 " changes wait to be handed over, the oldest for %" PRId64 " s",
            state->waiting, waiting_s);
    if (code == 0 && state->dropped > 0)
        code = problems_add(problems,
                            "%" PRId64 " changes were dropped, since more than share_outbox_rows"
                            " waited; peers get them when they compare tables",
                            state->dropped);
    return code;
}

static int add_of_silent_peer(const struct share_peer_view *peer, int64_t now_s,
                              struct problems *problems)
{
    const struct share_peer_state *state = &peer->state;
    const char *colon = *state->problem ? ": " : "";
    if (state->heard_ms == 0)
        return problems_add(problems, "peer %s was never heard%s%s", peer->name, colon,
                            state->problem);
    return problems_add(problems, "peer %s was not heard for %" PRId64 " s%s%s", peer->name,
                        now_s - state->heard_ms / MS_PER_S, colon, state->problem);
}

static int add_of_counts(const struct share_peer_view *peer, struct problems *problems)
{
    const struct share_counts *counts = &peer->state.counts;
    int code = 0;
    if (counts->unknown > 0)
        code = problems_add(problems,
                            "peer %s: %" PRId64 " rows are of pools or controllers that do not"
                            " exist here, such as %s",
                            peer->name, counts->unknown, counts->unknown_name);
    if (code == 0 && counts->future > 0)
        code = problems_add(problems,
                            "peer %s: %" PRId64 " rows came from the future, further than"
                            " share_skew: compare the clocks",
                            peer->name, counts->future);
    if (code == 0 && counts->no_room > 0)
        code = problems_add(problems, "peer %s: there was no room for %" PRId64 " rows", peer->name,
                            counts->no_room);
    if (code == 0 && peer->state.refused > 0)
        code = problems_add(problems,
                            "peer %s: %" PRId64 " messages were malformed or not its own, and"
                            " refused",
                            peer->name, peer->state.refused);
    return code;
}

static int add_of_peer(const struct share_peer_view *peer, int64_t now_s, struct problems *problems)
{
    const struct share_peer_state *state = &peer->state;
    if (!peer->written)
        return 0;
    if (now_s - state->heard_ms / MS_PER_S >= SILENT_S)
        return add_of_silent_peer(peer, now_s, problems);
    int code = 0;
    if (*state->problem)
        code = problems_add(problems, "peer %s: %s", peer->name, state->problem);
    if (code == 0 &&
        (state->clock_offset_ms > CLOCK_OFF_MS || state->clock_offset_ms < -CLOCK_OFF_MS))
        code = problems_add(problems, "peer %s: its clock is %+" PRId64 " ms from ours", peer->name,
                            state->clock_offset_ms);
    if (code == 0 && state->differs)
        code = problems_add(problems, "peer %s has another configuration%s%s", peer->name,
                            *state->difference ? ", " : "", state->difference);
    return code == 0 ? add_of_counts(peer, problems) : code;
}

static int add_of_follow(const struct share_follow_view *follow, int64_t now_s,
                         struct problems *problems)
{
    int code = 0;
    if (follow->node == 0)
        return 0;
    if (*follow->problem)
        code = problems_add(problems, "the configuration of %s is not followed: %s", follow->name,
                            follow->problem);
    if (code == 0 && follow->heard_s == 0)
        code = problems_add(problems, "%s, which this server follows, was not heard yet",
                            follow->name);
    else if (code == 0 && now_s - follow->heard_s >= SILENT_S)
        code =
            problems_add(problems, "%s, which this server follows, was not heard for %" PRId64 " s",
                         follow->name, now_s - follow->heard_s);
    return code;
}

int status_gather_sharing(struct store *store, const struct decision_inputs *inputs,
                          struct status *status, struct problems *ret_problems)
{
    struct share_view *sharing = &status->sharing;
    if (store_read_sharing(store, sharing, NULL) != 0 || sharing->node == 0)
        return 0;
    peers_gather(store, NULL, &status->peers);
    int code = add_of_daemon(sharing, inputs->now_s, ret_problems);
    if (sharing->written_s == 0 || inputs->now_s - sharing->written_s >= SILENT_S)
        return code; /* what is said there is old */
    if (code == 0)
        code = add_of_home(sharing, inputs->now_s, ret_problems);
    if (code == 0)
        code = add_of_follow(&sharing->follow, inputs->now_s, ret_problems);
    for (size_t i = 0; code == 0 && i < sharing->peer_count; i++)
        code = add_of_peer(&sharing->peers[i], inputs->now_s, ret_problems);
    return code;
}
