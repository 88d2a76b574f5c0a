/*
 * Members of messages, for the files wire*.c of this folder. They are written one after the other,
 * and read from a message that was opened.
 */
#ifndef STICKY_SHARE_WIRE_MEMBERS_H
#define STICKY_SHARE_WIRE_MEMBERS_H

#include <jansson.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/buffer.h"
#include "core/base/error.h"

/* Begins a message of a kind; its end, a brace, is the caller's. */
void wire_begin(struct buffer *out, const char *kind);
void wire_add_number(struct buffer *out, const char *member, int64_t number);
void wire_add_digest(struct buffer *out, const char *member, uint64_t digest);

/* The message is valid until the arena is reset. 0; ERR_INVAL or ERR_NOMEM with `error` set. */
int wire_open(const char *text, size_t length, const char *kind, struct arena *arena,
              const json_t **ret_message, struct error *error);

/* Each reads one member. 0, or ERR_INVAL with `error` set. */
int wire_read_member(const json_t *message, const char *member, int64_t least, int64_t most,
                     int64_t *ret_number, struct error *error);
int wire_read_digest(const json_t *message, const char *member, uint64_t *ret_digest,
                     struct error *error);

#endif
