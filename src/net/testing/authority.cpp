#include "net/testing/authority.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "base/random.h"

namespace hearth::net::testing {
namespace {

std::shared_ptr<EVP_PKEY> make_key() { return {EVP_EC_gen("P-256"), EVP_PKEY_free}; }

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  HEARTH_CHECK(extension, "the tests name valid extensions");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Certificate make(const std::string& common_name, long from_seconds, long until_seconds) {
  Certificate made{.key = make_key(), .x509 = {X509_new(), X509_free}};
  X509* const x509 = made.x509.get();
  X509_set_version(x509, 2);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), random_u64() >> 1);
  X509_gmtime_adj(X509_getm_notBefore(x509), from_seconds);
  X509_gmtime_adj(X509_getm_notAfter(x509), until_seconds);
  X509_set_pubkey(x509, made.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  return made;
}

}  // namespace

Authority::Authority(const std::string& name) : own_(make(name, -3'600, 3'600)) {
  X509* const x509 = own_.x509.get();
  X509_set_issuer_name(x509, X509_get_subject_name(x509));
  add_extension(x509, x509, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(x509, x509, NID_key_usage, "critical,keyCertSign");
  X509_sign(x509, own_.key.get(), EVP_sha256());
}

Certificate Authority::issue(const Subject& subject) const {
  Certificate made = make(subject.common_name, subject.from_seconds, subject.until_seconds);
  const Certificate& issuer = subject.signs_itself ? made : own_;
  X509* const x509 = made.x509.get();
  X509_set_issuer_name(x509, X509_get_subject_name(issuer.x509.get()));
  std::string names;
  for (const auto& name : subject.names) names += (names.empty() ? "" : ",") + name;
  if (!names.empty()) add_extension(x509, issuer.x509.get(), NID_subject_alt_name, names);
  X509_sign(x509, issuer.key.get(), EVP_sha256());
  return made;
}

std::string Authority::pem() const {
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_X509(memory.get(), own_.x509.get());
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

}  // namespace hearth::net::testing
