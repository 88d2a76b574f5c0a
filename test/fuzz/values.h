/*
 * Random values for every column of the schema, out of a fuzz input: most are such as an operator
 * might write, some are at the edges of what the schema lets in, or beyond.
 */
#ifndef TEST_FUZZ_VALUES_H
#define TEST_FUZZ_VALUES_H

#include "fuzz.h"

enum value {
    VALUE_ID,
    VALUE_ID_OR_NULL,
    VALUE_MONITOR,
    VALUE_FLAG,
    VALUE_TTL,
    VALUE_BITS,
    VALUE_TOLERANCE,
    VALUE_NUMBER,
    VALUE_WEIGHT,
    VALUE_PORT,
    VALUE_SECONDS,
    VALUE_PREFERENCE,
    VALUE_ASN,
    VALUE_LIMIT, /* of a setting */
    VALUE_TIME,
    VALUE_REAL,
    VALUE_ROUND_TRIP,
    VALUE_TYPE,
    VALUE_STATE,
    VALUE_METHOD,
    VALUE_METHOD_OR_NULL,
    VALUE_TIMER,
    VALUE_CLIENT,
    VALUE_FALLBACK,
    VALUE_FAILBACK,
    VALUE_METRIC,
    VALUE_METRIC_OR_NULL,
    VALUE_SETTING,
    VALUE_CHECK,
    VALUE_CHECK_PATH,
    VALUE_VERDICT,
    VALUE_FAMILY,
    VALUE_REASON,
    VALUE_COUNTRY,
    VALUE_CONTINENT,
    VALUE_NETWORK,
    VALUE_NAME,
    VALUE_CONTENT,
    VALUE_WORD,
    VALUE_ADDRESS,
    VALUE_IPV4,
    VALUE_IPV6,
    VALUE_CIDR,
    VALUE_KEY,
    VALUE_PATH,
    VALUE_ONE, /* of a table with one row */
    VALUE_NODE,
    VALUE_DECIDED,
    VALUE_ANY_NUMBER,
    VALUE_SERVER_NAME,
    VALUE_URL,
    VALUE_TEXT, /* what pdns-stickyd has heard, or anything */
};

/* Binds one to a place of a statement. */
void value_bind(struct input *input, enum value value, sqlite3_stmt *statement, int place);

/* A domain name of a few labels, most under example.com; NUL-terminated. */
#define VALUE_TEXT_MAX 1100
void value_name(struct input *input, char text[static VALUE_TEXT_MAX]);

/* A time that is past, but not yet too old for any purpose. */
int64_t value_lately(void);

#endif
