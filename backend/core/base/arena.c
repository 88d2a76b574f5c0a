/*
 * A list of blocks. Only the newest is filled; an object that is larger than a block gets one of
 * its own. Blocks are zeroed when they are allocated, and by arena_reset(), which keeps only those
 * of the usual size.
 */
#include "core/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * A small configuration fits into one block; a large one needs one allocation for every few hundred
 * rows.
 */
#define ARENA_BLOCK 16384

struct arena_block {
    struct arena_block *next;
    size_t used, capacity;
    alignas(max_align_t) unsigned char bytes[];
};

static void free_blocks(struct arena_block *blocks)
{
    while (blocks) {
        struct arena_block *block = blocks;
        blocks = block->next;
        free(block);
    }
}

void arena_release(struct arena *arena)
{
    free_blocks(arena->blocks);
    free_blocks(arena->spare);
    *arena = (struct arena){0};
}

static void push(struct arena_block **list, struct arena_block *block)
{
    block->next = *list;
    *list = block;
}

static size_t count_blocks(const struct arena_block *block)
{
    size_t count = 0;
    for (; block; block = block->next)
        count++;
    return count;
}

void arena_reset(struct arena *arena)
{
    size_t kept = count_blocks(arena->spare);
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        if (block->capacity != ARENA_BLOCK || kept == ARENA_KEPT_MAX / ARENA_BLOCK) {
            free(block);
            continue;
        }
        memset(block->bytes, 0, block->used);
        block->used = 0;
        push(&arena->spare, block);
        kept++;
    }
}

static struct arena_block *take_spare(struct arena *arena)
{
    struct arena_block *block = arena->spare;
    if (block)
        arena->spare = block->next;
    return block;
}

static struct arena_block *new_block(size_t capacity)
{
    struct arena_block *block = calloc(1, sizeof *block + capacity);
    if (block)
        block->capacity = capacity;
    return block;
}

static struct arena_block *block_with_room(struct arena *arena, size_t size)
{
    struct arena_block *block = arena->blocks;
    if (block && size <= block->capacity - block->used)
        return block;
    block = size <= ARENA_BLOCK ? take_spare(arena) : NULL;
    if (!block)
        block = new_block(size > ARENA_BLOCK ? size : ARENA_BLOCK);
    if (block)
        push(&arena->blocks, block);
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + align - 1) / align * align;
    struct arena_block *block = block_with_room(arena, size);
    if (!block)
        return NULL;
    void *place = block->bytes + block->used;
    block->used += size;
    return place;
}

char *arena_copy(struct arena *arena, const char *text, size_t length)
{
    char *copy = length < SIZE_MAX ? arena_alloc(arena, length + 1) : NULL;
    if (copy && length)
        memcpy(copy, text, length);
    return copy;
}
