#include "fixture.h"
#include "share/certificate.h"
#include "share/transport.h"
#include "suites.h"

static void a_build_without_nats_says_so(void)
{
    struct transport_options options = {.url = "nats://127.0.0.1:4222"};
    struct transport *transport = NULL;
    struct error error = {0};
    CHECK(transport_open(&options, &transport, &error) != 0, "nothing is opened");
    CHECK_TEXT(error.text, "this build has no NATS; it was configured with --without-nats", "why");
    CHECK(!transport, "nothing is left");
    CHECK(transport_await_end(0), "nothing runs");
}

static const CU_TestInfo tests[] = {
    {"a build without NATS says so", a_build_without_nats_says_so},
    CU_TEST_INFO_NULL,
};

const struct suite suite_transport = {"transport", tests};

static void files_are_not_looked_at(void)
{
    const struct certificate_files files = {"/nonexistent", "/nonexistent", "/nonexistent", "ns1"};
    char problem[100] = "?";
    certificate_check(&files, 0, problem, sizeof problem);
    CHECK_TEXT(problem, "", "none");
}

static const CU_TestInfo certificate_tests[] = {
    {"files are not looked at", files_are_not_looked_at},
    CU_TEST_INFO_NULL,
};

const struct suite suite_certificate = {"certificate", certificate_tests};
