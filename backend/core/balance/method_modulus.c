/*
 * Modulus arithmetic (claim 3): divide the client's number by the number of candidates N, add one
 * to the remainder, and take the server after that one; server 1 comes after server N.
 */
#include "core/balance/method.h"

static size_t pick(const struct selection *selection)
{
    char text[NUMBER_TEXT_MAX];
    struct number client = selection->client->number;
    size_t n = selection->count;
    size_t remainder = number_modulo(client, (uint32_t)n);
    size_t second = remainder + 1;
    size_t server = second == n ? 1 : second + 1;
    TRACE(selection->trace, .what = STEP_MODULUS,
          .values = {TRACE_INTEGER("candidates", n),
                     TRACE_TEXT("number", number_format(client, text)),
                     TRACE_INTEGER("remainder", remainder), TRACE_INTEGER("second", second),
                     TRACE_INTEGER("server", server)});
    return server - 1;
}

const struct method method_modulus = {.name = "modulus",
                                      .by_client = true,
                                      .strikes_down = true,
                                      .pick = pick,
                                      .within = &method_modulus};
