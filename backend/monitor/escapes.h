/*
 * Bytes written as text: what a monitor sends to a TCP target.
 */
#ifndef STICKY_MONITOR_ESCAPES_H
#define STICKY_MONITOR_ESCAPES_H

#include "core/base/buffer.h"

/*
 * Adds the bytes that the text stands for: \r \n \t \\ and \xHH are what they are in C, and every
 * other character is itself. ERR_INVAL for any other backslash, with `ret_bytes` as it was;
 * ERR_NOMEM.
 */
int escapes_decode(const char *text, struct buffer *ret_bytes);

#endif
