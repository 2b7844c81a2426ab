# `cmake --install`: the program, its licences, a systemd unit and the shell completion.
include(GNUInstallDirs)
install(TARGETS hearth RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES README.md LICENSE LICENSE-MIT LICENSE-APACHE THIRD_PARTY_NOTICES.md
  DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/hearth)
install(FILES packaging/hearth.bash RENAME hearth
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
# The unit names the program's place, which only the install step knows (--prefix).
install(CODE "
  set(HEARTH_BINARY \${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/hearth)
  configure_file(\"${CMAKE_SOURCE_DIR}/packaging/hearth.service.in\"
    \"${CMAKE_BINARY_DIR}/hearth.service\" @ONLY)")
install(FILES ${CMAKE_BINARY_DIR}/hearth.service DESTINATION lib/systemd/system)
