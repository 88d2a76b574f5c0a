#include "share/message_queue.h"

#include <stdlib.h>
#include <string.h>

static char *append(char *end, const char *text)
{
    return stpcpy(end, text) + 1;
}

struct message *message_new(const char *subject, const char *reply, const char *bytes,
                            size_t length)
{
    size_t names = strlen(subject) + 1 + strlen(reply) + 1;
    struct message *message = malloc(sizeof *message + names + length);
    if (!message)
        return NULL;
    char *at = (char *)(message + 1);
    *message = (struct message){.length = length, .subject = at};
    message->reply = at = append(at, subject);
    message->bytes = at = append(at, reply);
    if (length > 0)
        memcpy(at, bytes, length);
    return message;
}

void message_queue_add(struct message_queue *queue, struct message *message)
{
    if (!message)
        return;
    message->next = NULL;
    if (queue->last)
        queue->last->next = message;
    else
        queue->first = message;
    queue->last = message;
    queue->count++;
    queue->bytes += message->length;
}

struct message *message_queue_take(struct message_queue *queue)
{
    struct message *message = queue->first;
    if (!message)
        return NULL;
    queue->first = message->next;
    if (!queue->first)
        queue->last = NULL;
    queue->count--;
    queue->bytes -= message->length;
    return message;
}

void message_queue_clear(struct message_queue *queue)
{
    struct message *message;
    while ((message = message_queue_take(queue)))
        free(message);
}
