#include "share/message_queue.h"

#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "suites.h"

static void messages_leave_in_the_order_in_which_they_came(void)
{
    struct message_queue queue = {0};
    CHECK(!message_queue_take(&queue), "empty");
    for (int round = 0; round < 2; round++) {
        message_queue_add(&queue, message_new("a", "", "one", 3));
        message_queue_add(&queue, message_new("b", "r", "", 0));
        CHECK_INTEGER((int64_t)queue.count, 2, "round %d", round);
        CHECK_INTEGER((int64_t)queue.bytes, 3, "round %d", round);
        struct message *first = message_queue_take(&queue), *second = message_queue_take(&queue);
        CHECK_TEXT(first->subject, "a", "the first");
        CHECK_TEXT(first->reply, "", "the first");
        CHECK_INTEGER((int64_t)first->length, 3, "the first");
        CHECK(memcmp(first->bytes, "one", 3) == 0, "the first");
        CHECK_TEXT(second->subject, "b", "the second");
        CHECK_TEXT(second->reply, "r", "the second");
        CHECK_INTEGER((int64_t)second->length, 0, "the second");
        CHECK_INTEGER((int64_t)(queue.count + queue.bytes), 0, "nothing is left");
        free(first);
        free(second);
    }
}

static void a_queue_can_be_cleared_and_used_again(void)
{
    struct message_queue queue = {0};
    for (int i = 0; i < 3; i++)
        message_queue_add(&queue, message_new("a", "", "bytes", 5));
    message_queue_clear(&queue);
    CHECK_INTEGER((int64_t)(queue.count + queue.bytes), 0, "empty");
    message_queue_add(&queue, message_new("b", "", "", 0));
    CHECK_INTEGER((int64_t)queue.count, 1, "used again");
    message_queue_clear(&queue);
}

static void without_memory_nothing_is_added(void)
{
    struct message_queue queue = {0};
    memory_fail_at(1);
    message_queue_add(&queue, message_new("a", "", "bytes", 5));
    CHECK(memory_fail_end(), "it failed");
    CHECK_INTEGER((int64_t)queue.count, 0, "nothing");
}

static const CU_TestInfo tests[] = {
    {"messages leave in the order in which they came",
     messages_leave_in_the_order_in_which_they_came},
    {"a queue can be cleared and used again", a_queue_can_be_cleared_and_used_again},
    {"without memory nothing is added", without_memory_nothing_is_added},
    CU_TEST_INFO_NULL,
};

const struct suite suite_message_queue = {"message_queue", tests};
