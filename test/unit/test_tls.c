#include "monitor/tls.h"

#include <openssl/x509_vfy.h>

#include "fixture.h"
#include "suites.h"

static void a_failed_verification_has_a_reason(void)
{
    static const struct {
        long verification;
        enum reason reason;
    } rows[] = {
        {X509_V_OK, REASON_TLS},
        {X509_V_ERR_CERT_HAS_EXPIRED, REASON_EXPIRED},
        {X509_V_ERR_CERT_NOT_YET_VALID, REASON_EXPIRED},
        {X509_V_ERR_HOSTNAME_MISMATCH, REASON_WRONG_NAME},
        {X509_V_ERR_IP_ADDRESS_MISMATCH, REASON_WRONG_NAME},
        {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, REASON_UNTRUSTED},
        {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, REASON_UNTRUSTED},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, REASON_UNTRUSTED},
        {X509_V_ERR_CERT_REVOKED, REASON_UNTRUSTED},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_TEXT(reason_word(tls_reason(rows[i].verification)), reason_word(rows[i].reason),
                   "row %zu", i);
}

static void what_is_trusted_is_read_once_and_a_file_that_is_missing_is_named(void)
{
    struct tls_trust system = {0}, missing = {.ca_file = "/nowhere/ca.pem"};
    struct error error = {0};
    SSL_CTX *settings = tls_trust_settings(&system);
    CHECK(settings && tls_trust_settings(&system) == settings, "read once");
    CHECK(!tls_trust_settings(&missing), "nothing to be trusted");
    tls_trust_refuse(missing.ca_file, &error);
    CHECK_TEXT(error.text,
               "/nowhere/ca.pem: certificates cannot be read: No such file or directory (the"
               " system's are in Debian's package ca-certificates)",
               "named");
    tls_trust_release(&system);
    tls_trust_release(&missing);
}

static const CU_TestInfo tests[] = {
    {"a failed verification has a reason", a_failed_verification_has_a_reason},
    {"what is trusted is read once, and a file that is missing is named",
     what_is_trusted_is_read_once_and_a_file_that_is_missing_is_named},
    CU_TEST_INFO_NULL,
};

const struct suite suite_tls = {"tls", tests};
