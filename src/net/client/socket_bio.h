#pragma once
#include <openssl/bio.h>

namespace hearth::net {

/// A non-blocking socket as OpenSSL reads and writes it, without the signal that OpenSSL's own
/// brings when the other side has gone. Does not close the socket. nullptr: no memory.
BIO* socket_bio(int descriptor);

}  // namespace hearth::net
