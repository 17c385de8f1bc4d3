/*
 * Whether kubeadm is at work on this machine, so that its files are left alone for that long.
 *
 * kubeadm takes no lock that could be asked for; so the processes are looked through, in a /proc
 * that shows those of the host (hostPID, or a mount of the host's).
 */
#ifndef STATICPOD_KUBEADM_LOCK_H
#define STATICPOD_KUBEADM_LOCK_H

#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

#define KUBEADM_PROC_DEFAULT "/proc"

/*
 * ret_what is "kubeadm upgrade (process 123)" for a process that may write manifests (upgrade,
 * init, join, reset), and NULL when there is none; caller frees. A process that ends while it is
 * looked at is none.
 */
int kubeadm_find(const char *proc, char **ret_what, struct err *err) MUST_CHECK;

/* The command of a /proc/PID/cmdline that writes manifests, NULL: none. Pure. */
const char *kubeadm_command(const char *cmdline, size_t len);

#endif
