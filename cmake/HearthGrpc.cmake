# gRPC and Protocol Buffers of Debian as hearth_grpc, and the code that protoc makes from proto/ as
# hearth_proto. Nothing of what is made is kept in the tree.
find_package(PkgConfig REQUIRED)
pkg_check_modules(GRPC REQUIRED grpc++>=1.51 protobuf>=3.21)
find_program(PROTOC protoc REQUIRED)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)

add_library(hearth_grpc INTERFACE)
if(HEARTH_STATIC)
  # Abseil's many archives name each other in both directions. Not by --start-group: CMake takes a
  # flag that occurs twice for one, and llama.cpp has a group already.
  set(grpc_archives ${GRPC_STATIC_LIBRARIES})
  list(REMOVE_DUPLICATES grpc_archives)
  list(JOIN grpc_archives "," grpc_archives)
  target_link_libraries(hearth_grpc INTERFACE "$<LINK_GROUP:RESCAN,${grpc_archives}>")
else()
  # Its headers call Abseil themselves.
  set(abseil ${GRPC_STATIC_LIBRARIES})
  list(FILTER abseil INCLUDE REGEX "^absl_")
  list(REMOVE_DUPLICATES abseil)
  target_link_libraries(hearth_grpc INTERFACE
    -Wl,--push-state,--as-needed grpc++ grpc gpr protobuf ${abseil} -Wl,--pop-state)
endif()
target_link_libraries(hearth_grpc INTERFACE Threads::Threads)

set(proto_folder ${CMAKE_SOURCE_DIR}/proto)
set(proto_made ${CMAKE_BINARY_DIR}/proto)
set(proto_sources)
foreach(name aios/runtime grpc/health/v1/health grpc/reflection/v1/reflection
    grpc/reflection/v1alpha/reflection)
  set(made ${proto_made}/${name}.pb.cc ${proto_made}/${name}.pb.h
    ${proto_made}/${name}.grpc.pb.cc ${proto_made}/${name}.grpc.pb.h)
  add_custom_command(OUTPUT ${made}
    COMMAND ${PROTOC} -I${proto_folder} --cpp_out=${proto_made} --grpc_out=${proto_made}
      --plugin=protoc-gen-grpc=${GRPC_CPP_PLUGIN} ${name}.proto
    DEPENDS ${proto_folder}/${name}.proto VERBATIM
    COMMENT "protoc ${name}.proto")
  list(APPEND proto_sources ${made})
endforeach()
file(MAKE_DIRECTORY ${proto_made})
# Made code is not ours to warn about.
add_library(hearth_proto STATIC ${proto_sources})
target_compile_features(hearth_proto PUBLIC cxx_std_20)
target_compile_options(hearth_proto PRIVATE -w -ffunction-sections -fdata-sections)
target_include_directories(hearth_proto SYSTEM PUBLIC ${proto_made})
target_link_libraries(hearth_proto PUBLIC hearth_grpc)
