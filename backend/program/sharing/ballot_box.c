#include "program/sharing/ballot_box.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/health/quorum.h"

struct ballot_box {
    pthread_mutex_t mutex; /* of all else */
    int peers;
    struct ballot *ours;
    struct ballot *theirs[QUORUM_PEERS_MAX]; /* one of each peer, in any order */
    size_t count;
};

struct ballot_box *ballot_box_new(void)
{
    struct ballot_box *box = calloc(1, sizeof *box);
    if (!box)
        return NULL;
    pthread_mutex_init(&box->mutex, NULL);
    box->peers = -1;
    return box;
}

void ballot_box_free(struct ballot_box *box)
{
    if (!box)
        return;
    ballot_free(box->ours);
    for (size_t i = 0; i < box->count; i++)
        ballot_free(box->theirs[i]);
    pthread_mutex_destroy(&box->mutex);
    free(box);
}

int ballot_box_peers(struct ballot_box *box)
{
    pthread_mutex_lock(&box->mutex);
    int count = box->peers;
    pthread_mutex_unlock(&box->mutex);
    return count;
}

void ballot_box_set_peers(struct ballot_box *box, int count)
{
    pthread_mutex_lock(&box->mutex);
    box->peers = count;
    pthread_mutex_unlock(&box->mutex);
}

void ballot_box_give(struct ballot_box *box, struct ballot *ours)
{
    pthread_mutex_lock(&box->mutex);
    struct ballot *before = box->ours;
    box->ours = ours;
    pthread_mutex_unlock(&box->mutex);
    ballot_free(before);
}

struct ballot *ballot_box_take_ours(struct ballot_box *box)
{
    pthread_mutex_lock(&box->mutex);
    struct ballot *ours = box->ours;
    box->ours = NULL;
    pthread_mutex_unlock(&box->mutex);
    return ours;
}

struct ballot *ballot_box_take(struct ballot_box *box)
{
    pthread_mutex_lock(&box->mutex);
    struct ballot *ballot = box->count > 0 ? box->theirs[--box->count] : NULL;
    pthread_mutex_unlock(&box->mutex);
    return ballot;
}

void ballot_box_hand_in(struct ballot_box *box, struct ballot *ballot)
{
    struct ballot *unused = NULL;
    size_t place = 0;
    pthread_mutex_lock(&box->mutex);
    while (place < box->count && box->theirs[place]->node != ballot->node)
        place++;
    if (place < box->count)
        unused = box->theirs[place];
    if (place < QUORUM_PEERS_MAX)
        box->theirs[place] = ballot;
    else
        unused = ballot;
    if (place == box->count && place < QUORUM_PEERS_MAX)
        box->count++;
    pthread_mutex_unlock(&box->mutex);
    ballot_free(unused);
}
