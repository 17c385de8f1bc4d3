/*
 * Holds a pod's namespaces, and is the first process of a node of hack/cluster.
 * Both need a process that ends when told to, and that waits for children whose
 * parents have ended, so that no zombies stay.
 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(int signal_number)
{
    (void)signal_number;
    _exit(0);
}

/* The first process of a PID namespace gets only signals that it handles. */
int main(void)
{
    struct sigaction action = {.sa_handler = end};
    sigset_t children;

    if (sigaction(SIGTERM, &action, NULL) < 0 || sigaction(SIGINT, &action, NULL) < 0) {
        return 1;
    }
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    /* Blocked, it waits for sigwaitinfo; none is lost in between. */
    if (sigprocmask(SIG_BLOCK, &children, NULL) < 0) {
        return 1;
    }
    for (;;) {
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
        if (sigwaitinfo(&children, NULL) < 0 && errno != EINTR) {
            return 1;
        }
    }
}
