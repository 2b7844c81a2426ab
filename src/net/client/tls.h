#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/client/io.h"

struct ssl_ctx_st;
struct ssl_st;

namespace hearth::net {

/// The certificate authorities that are trusted, and what else all TLS connections share.
/// Unchanged once open: any thread may use it.
class TlsContext {
 public:
  /// Reads the authorities from a PEM file, a hashed folder, or, if both are empty, from where this
  /// system has them. Errors: Unavailable (there are none, or they cannot be read; names them).
  static Result<std::shared_ptr<const TlsContext>> open(const std::string& ca_file,
                                                        const std::string& ca_dir);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  ssl_ctx_st* get() const { return context_; }

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* const context_;
};

/// TLS over one connected socket, which it neither waits for nor closes. One thread.
class TlsSession {
 public:
  /// `host` is what the certificate must be for: a name (RFC 6125; sent as SNI too) or an address
  /// literal. Errors: Internal (OpenSSL has no memory), InvalidInput (host).
  static Result<std::unique_ptr<TlsSession>> begin(std::shared_ptr<const TlsContext> context,
                                                   int descriptor, const std::string& host);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  /// One step. Done: the server is who it should be. Failed: why it is not, in words for a person.
  Io handshake();
  Io read(std::span<char> into);
  Io write(std::string_view bytes);
  /// Says good-bye, as far as that goes without waiting.
  void close();

 private:
  TlsSession(std::shared_ptr<const TlsContext> context, ssl_st* session)
      : context_(std::move(context)), session_(session) {}
  Io outcome(int returned) const;
  std::string handshake_problem() const;

  const std::shared_ptr<const TlsContext> context_;  // with all sessions, until the last has ended
  ssl_st* const session_;
  bool is_established_ = false;
};

}  // namespace hearth::net
