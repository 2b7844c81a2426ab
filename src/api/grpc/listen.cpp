#include "api/grpc/listen.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace hearth::api {
namespace {

constexpr std::size_t kPemBytesMax = std::size_t{1} << 20;

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

Address socket_address(const std::string& host, std::uint16_t port) {
  Address address;
  auto* const four = reinterpret_cast<sockaddr_in*>(&address.bytes);
  auto* const six = reinterpret_cast<sockaddr_in6*>(&address.bytes);
  if (::inet_pton(AF_INET, host.c_str(), &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    address.size = sizeof *four;
  } else if (::inet_pton(AF_INET6, host.c_str(), &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    address.size = sizeof *six;
  }
  return address;
}

Error cannot_listen(const std::string& host, std::uint16_t port, int problem) {
  const bool is_port = problem == EADDRINUSE || problem == EACCES;
  return {Code::Unavailable,
          "cannot listen on " + address_of(host, port) + " for gRPC: " + std::strerror(problem),
          is_port ? "grpc.port" : "grpc.host"};
}

Result<std::string> read_pem(const char* field, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const int problem = errno;
    return Error{problem == ENOENT ? Code::NotFound : Code::Unavailable,
                 std::string(field) + ": cannot read " + path + ": " + std::strerror(problem),
                 field};
  }
  std::string text(kPemBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kPemBytesMax) return field_error(field, path + " is larger than 1 MiB");
  if (text.find("-----BEGIN ") == std::string::npos)
    return field_error(field, path + " holds no PEM");
  return text;
}

}  // namespace

std::string address_of(const std::string& host, std::uint16_t port) {
  const bool is_six = host.find(':') != std::string::npos;
  return (is_six ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<void> check_free(const std::string& host, std::uint16_t port) {
  if (port == 0) return ok();
  const Address address = socket_address(host, port);
  const int fd = ::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return cannot_listen(host, port, errno);
  const int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const bool is_free =
      ::bind(fd, reinterpret_cast<const sockaddr*>(&address.bytes), address.size) == 0 &&
      ::listen(fd, 1) == 0;
  const int problem = errno;
  ::close(fd);
  return is_free ? ok() : Result<void>(cannot_listen(host, port, problem));
}

Result<std::shared_ptr<grpc::ServerCredentials>> credentials_of(
    const config::Config::Grpc& settings) {
  if (settings.tls_cert.empty()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions options;
  grpc::SslServerCredentialsOptions::PemKeyCertPair pair;
  TRY(pair.cert_chain, read_pem("grpc.tls_cert", settings.tls_cert));
  TRY(pair.private_key, read_pem("grpc.tls_key", settings.tls_key));
  options.pem_key_cert_pairs.push_back(std::move(pair));
  return grpc::SslServerCredentials(options);
}

}  // namespace hearth::api
