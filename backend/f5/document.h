/*
 * The text of a BIG-IP configuration as a tree of words and blocks, with the line of each.
 *
 *     gtm pool a /Common/web {          a stanza: words, and a block in braces
 *         members {                     an item with a block
 *             /Common/ams:web { ratio 3 }
 *         }
 *         monitor /Common/http and /Common/tcp       an item of four words
 *     }
 *
 * An item ends with its line, with its block, or with the brace of the block around it. A word is
 * in double quotes if it has spaces; a backslash stands before a quote in it, and before an odd
 * character outside of quotes. A '#' at the beginning of a word begins a comment.
 *
 * The tree has the stanzas that are imported. All other stanzas are skipped whole and have a header
 * alone. Of those, iRules and scripts are Tcl, where braces count and quotes do not.
 *
 * Written from the tmsh reference of F5 (clouddocs.f5.com/cli/tmsh-reference) and from files that
 * BIG-IP has saved.
 */
#ifndef STICKY_F5_DOCUMENT_H
#define STICKY_F5_DOCUMENT_H

#include "f5/work.h"

/* A configuration has some six levels. It is recursion that this limits. */
#define F5_DEPTH_MAX 32

/* Items in all stanzas that are imported: each takes some 100 bytes of memory. */
#define F5_ITEMS_MAX 3000000

struct f5_item {
    int line;
    size_t word_count;
    const char **words; /* without quotes and backslashes; may be none, before a block */
    bool has_block;
    struct list items; /* of its block: struct f5_item */
};

/*
 * Reads all of the text into a list of stanzas, struct f5_item. 0; ERR_NOMEM; or ERR_INVAL with the
 * line and what is wrong there.
 */
int f5_document_read(struct f5_work *work, const char *text, size_t length,
                     struct list *ret_stanzas);

#endif
