/* Who we are, to servers and to people. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define USER_AGENT "yurt-steward/" YURT_STEWARD_VERSION " (linux/" YURT_STEWARD_ARCH ")"

#if defined(__x86_64__)
#define YURT_STEWARD_ARCH "amd64"
#elif defined(__aarch64__)
#define YURT_STEWARD_ARCH "arm64"
#else
#define YURT_STEWARD_ARCH "unknown"
#endif

#endif
