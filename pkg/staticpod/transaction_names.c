/* The machine's states and events in words. */
#include "staticpod/transaction.h"

const char *transaction_phase_name(enum transaction_phase phase)
{
    static const char *const names[] = {
        [TRANSACTION_IDLE] = "Idle",           [TRANSACTION_RESUMING] = "Resuming",
        [TRANSACTION_RECORDING] = "Recording", [TRANSACTION_WRITING] = "Writing",
        [TRANSACTION_VERIFYING] = "Verifying", [TRANSACTION_ROLLING_BACK] = "RollingBack",
        [TRANSACTION_RESTORING] = "Restoring", [TRANSACTION_CLOSING] = "Closing",
    };
    return names[phase];
}

const char *transaction_wait_name(enum transaction_wait wait)
{
    static const char *const names[] = {
        [TRANSACTION_GOES_ON] = "GoesOn",    [TRANSACTION_HELD] = "Held",
        [TRANSACTION_LATCHED] = "Latched",   [TRANSACTION_UNREADABLE] = "Unreadable",
        [TRANSACTION_FOREIGN] = "Foreign",   [TRANSACTION_UNSEEN] = "Unseen",
        [TRANSACTION_RETRYING] = "Retrying",
    };
    return names[wait];
}

const char *transaction_event_name(enum transaction_event event)
{
    static const char *const names[] = {
        [TRANSACTION_QUIET] = "Quiet",
        [TRANSACTION_WRITTEN] = "Written",
        [TRANSACTION_COMMITTED] = "Committed",
        [TRANSACTION_REVERTED] = "Reverted",
        [TRANSACTION_ROLLED_BACK] = "RolledBack",
        [TRANSACTION_ROLLBACK_BEGUN] = "RollbackBegun",
        [TRANSACTION_ROLLBACK_FAILED] = "RollbackFailed",
        [TRANSACTION_LEFT] = "Left",
        [TRANSACTION_DROPPED] = "Dropped",
        [TRANSACTION_RESUMED] = "Resumed",
        [TRANSACTION_WRITE_FAILED] = "WriteFailed",
        [TRANSACTION_JOURNAL_FAILED] = "JournalFailed",
    };
    return names[event];
}
