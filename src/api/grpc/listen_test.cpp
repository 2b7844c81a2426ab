#include "api/grpc/listen.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace hearth::api {
namespace {

using ::testing::HasSubstr;

TEST(Listen, WritesAddresses) {
  EXPECT_EQ(address_of("127.0.0.1", 50'051), "127.0.0.1:50051");
  EXPECT_EQ(address_of("::1", 0), "[::1]:0");
}

TEST(Listen, SaysWhyAPortIsNotFree) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const auto taken = check_free("127.0.0.1", ntohs(address.sin_port));
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().code, Code::Unavailable);
  EXPECT_EQ(taken.error().field, "grpc.port");
  EXPECT_THAT(taken.error().message, HasSubstr("in use"));
  ::close(fd);
  EXPECT_TRUE(check_free("127.0.0.1", ntohs(address.sin_port)).ok());
  EXPECT_TRUE(check_free("127.0.0.1", 0).ok());
  const auto foreign = check_free("192.0.2.1", 50'051);  // of no machine
  ASSERT_FALSE(foreign.ok());
  EXPECT_EQ(foreign.error().field, "grpc.host");
}

TEST(Listen, NamesTheFileThatIsNoPem) {
  const std::string folder = ::testing::TempDir();
  const std::string nothing = folder + "/hearth_listen_nothing.pem";
  std::ofstream(nothing) << "hello";
  config::Config::Grpc settings;
  EXPECT_TRUE(credentials_of(settings).ok());
  settings.tls_cert = nothing;
  settings.tls_key = nothing;
  EXPECT_EQ(credentials_of(settings).error().code, Code::InvalidInput);
  EXPECT_EQ(credentials_of(settings).error().field, "grpc.tls_cert");
  std::ofstream(nothing) << "-----BEGIN CERTIFICATE-----\n";
  settings.tls_key = folder + "/hearth_listen_not_there.pem";
  EXPECT_EQ(credentials_of(settings).error().code, Code::NotFound);
  EXPECT_EQ(credentials_of(settings).error().field, "grpc.tls_key");
  std::filesystem::remove(nothing);
}

}  // namespace
}  // namespace hearth::api
