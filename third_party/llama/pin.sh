# The one place that says which llama.cpp Hearth is built from. Sourced by the scripts beside it.
# npm's node-llama-cpp ships the upstream release as a git bundle; nothing else of it is used.
LLAMA_PACKAGE="node-llama-cpp@3.22.1"
LLAMA_PACKAGE_SHA512="6e5b488a9b9699cd76dc7eed30880318a4ac4ab866865418795502e3c5d38d55bb5c624988927209d95333343f2e25a83e4183a5c2f816f883a60c3ba9f4e20f"
LLAMA_RELEASE="v0.5.0"
