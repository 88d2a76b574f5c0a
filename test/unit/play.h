/*
 * A service that says what it was asked, and answers what it was told to: what a dialect's tests
 * put behind it.
 */
#ifndef TEST_UNIT_PLAY_H
#define TEST_UNIT_PLAY_H

#include "dialect/service.h"

#define PLAY_NOTICES_MAX 4

struct play {
    struct buffer asked;
    const struct answer_record *records;
    size_t count;
    bool fails;
    const char *printed;                   /* by commands */
    const char *notices[PLAY_NOTICES_MAX]; /* given out up to the first that is NULL */
    size_t notice;
    const char *notified; /* the last, or NULL */
    struct service service;
};

void play_init(struct play *play);
void play_release(struct play *play);

#endif
