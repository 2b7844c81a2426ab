#include "net/client/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <climits>

#include "net/client/socket_bio.h"

namespace hearth::net {
namespace {

// Where systems keep the authorities that they trust: Debian, Fedora, openSUSE, older Red Hat,
// Alpine and macOS; then folders with hashed names.
constexpr std::array<const char*, 6> kSystemFiles = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem"};
constexpr std::array<const char*, 2> kSystemFolders = {"/etc/ssl/certs", "/etc/pki/tls/certs"};
// What is spoken inside TLS, for servers that ask: RFC 7301.
constexpr std::array<unsigned char, 9> kProtocols = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

bool exists(const char* path) {
  struct stat about {};
  return ::stat(path, &about) == 0;
}

Result<void> load_named(ssl_ctx_st* context, const std::string& file, const std::string& folder) {
  if (!file.empty() && SSL_CTX_load_verify_file(context, file.c_str()) != 1)
    return Error{Code::Unavailable,
                 "the certificate authorities in " + file + " cannot be read (PEM is expected)"};
  if (!folder.empty() && SSL_CTX_load_verify_dir(context, folder.c_str()) != 1)
    return Error{Code::Unavailable, "the certificate authorities in " + folder + " cannot be read"};
  return ok();
}

Result<void> load_system(ssl_ctx_st* context) {
  for (const char* file : kSystemFiles)
    if (exists(file) && SSL_CTX_load_verify_file(context, file) == 1) return ok();
  for (const char* folder : kSystemFolders)
    if (exists(folder) && SSL_CTX_load_verify_dir(context, folder) == 1) return ok();
  return Error{Code::Unavailable,
               "no certificate authorities were found on this system; install ca-certificates, or "
               "name a PEM file with net.ca_file or SSL_CERT_FILE"};
}

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

/// The certificate must be for this host; names are also sent, so that the server can choose it.
bool expect_host(SSL* session, const std::string& host) {
  SSL_set_hostflags(session,
                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (is_address(host))
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host.c_str()) == 1;
  return SSL_set1_host(session, host.c_str()) == 1 &&
         SSL_set_tlsext_host_name(session, host.c_str()) == 1;
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::open(const std::string& ca_file,
                                                           const std::string& ca_dir) {
  // Without this a file of the system could lower what is asked for here.
  OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  ssl_ctx_st* const raw = SSL_CTX_new(TLS_client_method());
  if (!raw) return Error{Code::Internal, "OpenSSL cannot make a TLS context"};
  std::shared_ptr<const TlsContext> context(new TlsContext(raw));
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  // A connection that waits holds no buffers: hundreds of streams mostly wait.
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_alpn_protos(raw, kProtocols.data(), kProtocols.size());
  const bool is_named = !ca_file.empty() || !ca_dir.empty();
  TRY_VOID(is_named ? load_named(raw, ca_file, ca_dir) : load_system(raw));
  return context;
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

Result<std::unique_ptr<TlsSession>> TlsSession::begin(std::shared_ptr<const TlsContext> context,
                                                      int descriptor, const std::string& host) {
  ERR_clear_error();
  ssl_st* const raw = SSL_new(context->get());
  if (!raw) return Error{Code::Internal, "OpenSSL cannot make a TLS session"};
  std::unique_ptr<TlsSession> session(new TlsSession(std::move(context), raw));
  BIO* const socket = socket_bio(descriptor);
  if (!socket) return Error{Code::Internal, "OpenSSL cannot make a TLS session"};
  SSL_set_bio(raw, socket, socket);
  SSL_set_connect_state(raw);
  if (expect_host(raw, host)) return session;
  return Error{Code::InvalidInput, "'" + host + "' is no host that a certificate can be for",
               "host"};
}

TlsSession::~TlsSession() { SSL_free(session_); }

Io TlsSession::handshake() {
  ERR_clear_error();
  const int returned = SSL_do_handshake(session_);
  is_established_ = returned == 1;
  if (is_established_) return {};
  Io io = outcome(returned);
  if (io.is_over()) io = {.kind = Io::Kind::Failed, .problem = handshake_problem()};
  return io;
}

Io TlsSession::read(std::span<char> into) {
  ERR_clear_error();
  const auto most = static_cast<int>(std::min<std::size_t>(into.size(), INT_MAX));
  return outcome(SSL_read(session_, into.data(), most));
}

Io TlsSession::write(std::string_view bytes) {
  ERR_clear_error();
  const auto most = static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX));
  return outcome(SSL_write(session_, bytes.data(), most));
}

void TlsSession::close() {
  // OpenSSL forbids it after a failure, and before there is anything to close.
  if (is_established_ && (SSL_get_shutdown(session_) & SSL_SENT_SHUTDOWN) == 0)
    SSL_shutdown(session_);
  ERR_clear_error();
}

Io TlsSession::outcome(int returned) const {
  if (returned > 0) return {.count = static_cast<std::size_t>(returned)};
  switch (SSL_get_error(session_, returned)) {
    case SSL_ERROR_WANT_READ: return {.kind = Io::Kind::WantsRead};
    case SSL_ERROR_WANT_WRITE: return {.kind = Io::Kind::WantsWrite};
    case SSL_ERROR_ZERO_RETURN: return {.kind = Io::Kind::Ended};
    case SSL_ERROR_SYSCALL: return {.kind = Io::Kind::Cut};
    default: break;
  }
  const unsigned long code = ERR_peek_error();
  if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) return {.kind = Io::Kind::Cut};
  const char* const reason = ERR_reason_error_string(code);
  return {.kind = Io::Kind::Failed,
          .problem = std::string("TLS failed: ") + (reason ? reason : "no reason is given")};
}

std::string TlsSession::handshake_problem() const {
  const long verdict = SSL_get_verify_result(session_);
  if (verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH)
    return "its certificate was refused: it is for another host";
  if (verdict != X509_V_OK)
    return std::string("its certificate was refused: ") + X509_verify_cert_error_string(verdict);
  const char* const reason = ERR_reason_error_string(ERR_peek_error());
  return std::string("the TLS handshake failed: ") +
         (reason ? reason : "the server closed the connection");
}

}  // namespace hearth::net
