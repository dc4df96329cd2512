// OpenSSL 3, and functions for those of its macros that Swift cannot see.
#ifndef GATE_COPENSSL_SHIM_H
#define GATE_COPENSSL_SHIM_H
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <string.h>

static inline int gate_tls_require_1_2(SSL_CTX *context) {
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
}
// A write that came short may go on from other memory; a read comes back after each message that carries no data.
static inline void gate_tls_set_modes(SSL_CTX *context) {
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
}
// No second handshake, no compression, no resumption: a certificate is looked at on every connection.
static inline void gate_tls_restrict(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}
// Counts into `count` what the peer sends besides data: its handshake messages, alerts, and those with which it is answered.
static inline void gate_tls_count_message(int is_sent, int version, int type, const void *bytes, size_t length,
                                          SSL *connection, void *count) {
    (void)version;
    (void)bytes;
    (void)length;
    (void)connection;
    if (type == SSL3_RT_ALERT || (type == SSL3_RT_HANDSHAKE && !is_sent)) ++*(uint64_t *)count;
}
static inline void gate_tls_count_messages(SSL *connection, uint64_t *count) {
    SSL_set_msg_callback(connection, gate_tls_count_message);
    SSL_set_msg_callback_arg(connection, count);
}
static inline int gate_tls_announce_name(SSL *connection, const char *name) {
    return (int)SSL_set_tlsext_host_name(connection, name);
}

// Of a client's offers takes h2 and nothing else (RFC 9113, section 3.2).
static inline int gate_tls_select_h2(SSL *connection, const unsigned char **selected, unsigned char *length,
                                     const unsigned char *offers, unsigned int count, void *unused) {
    (void)connection;
    (void)unused;
    static const unsigned char h2[] = {2, 'h', '2'};
    return SSL_select_next_proto((unsigned char **)selected, length, h2, sizeof h2, offers, count)
            == OPENSSL_NPN_NEGOTIATED
        ? SSL_TLSEXT_ERR_OK
        : SSL_TLSEXT_ERR_ALERT_FATAL;
}
static inline void gate_tls_serve_h2(SSL_CTX *context) {
    SSL_CTX_set_alpn_select_cb(context, gate_tls_select_h2, NULL);
}
static inline int gate_tls_ask_for_h2(SSL_CTX *context) {
    static const unsigned char h2[] = {2, 'h', '2'};
    return SSL_CTX_set_alpn_protos(context, h2, sizeof h2);
}
static inline int gate_tls_is_h2(const SSL *connection) {
    const unsigned char *name = NULL;
    unsigned int length = 0;
    SSL_get0_alpn_selected(connection, &name, &length);
    return length == 2 && memcmp(name, "h2", 2) == 0;
}

// Whether a certificate carries a name: as a URI where it has a scheme, else as a DNS name, letter for letter. The common
// name counts only where there is no DNS name (RFC 6125, section 6.4.4).
static inline int gate_tls_has_name(X509 *certificate, const char *name, size_t length) {
    if (memchr(name, ':', length) == NULL)
        return X509_check_host(certificate, name, length, X509_CHECK_FLAG_NO_WILDCARDS, NULL) == 1;
    int found = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *entry = sk_GENERAL_NAME_value(names, i);
        if (entry->type != GEN_URI) continue;
        const ASN1_STRING *uri = entry->d.uniformResourceIdentifier;
        if (ASN1_STRING_length(uri) == (int)length && memcmp(ASN1_STRING_get0_data(uri), name, length) == 0) found = 1;
    }
    GENERAL_NAMES_free(names);
    return found;
}
#endif
