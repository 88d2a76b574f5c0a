/*
 * Decodes the escapes in the text that a monitor sends to a TCP target.
 */
#ifndef STICKY_MONITOR_ESCAPES_H
#define STICKY_MONITOR_ESCAPES_H

#include "core/base/buffer.h"

/*
 * Adds the bytes of a text. \r \n \t \\ and \xHH mean what they mean in C; other characters are
 * copied. 0; ERR_INVAL, with `ret_bytes` unchanged, for any other backslash; ERR_NOMEM.
 */
int escapes_decode(const char *text, struct buffer *ret_bytes);

#endif
