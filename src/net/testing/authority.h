#pragma once
#include <memory>
#include <string>
#include <vector>

struct evp_pkey_st;
struct x509_st;

namespace hearth::net::testing {

/// For tests: a certificate with its key, for a server.
struct Certificate {
  std::shared_ptr<evp_pkey_st> key;  // with every server that shows it
  std::shared_ptr<x509_st> x509;
};

/// For tests: a throw-away certificate authority.
class Authority {
 public:
  explicit Authority(const std::string& name = "test authority");

  struct Subject {
    std::vector<std::string> names = {"DNS:localhost"};  // or "IP:127.0.0.1", "DNS:*.example"
    long from_seconds = -3'600;                          // from now
    long until_seconds = 3'600;
    bool signs_itself = false;
    std::string common_name = "test";
  };
  Certificate issue(const Subject& subject) const;
  /// Its own certificate, as a file of trusted authorities holds it.
  std::string pem() const;

 private:
  Certificate own_;
};

}  // namespace hearth::net::testing
