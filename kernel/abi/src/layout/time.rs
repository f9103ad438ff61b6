//! Times and timers: `clock_gettime(2)`, `setitimer(2)`, `timer_create(2)`, `times(2)`.

use super::{layouts, u32_at, u64_at};
use crate::names::SIGEV_KINDS;
use crate::syscalls::ArgKind::{Enum, Inner, Int, Long, Ptr, Signal, Stamp};

layouts! {
    "`struct timespec`." TIMESPEC 16 Whole { 0 8 tv_sec = Long; 8 8 tv_nsec = Long; }
    "`struct timeval`." TIMEVAL 16 Whole { 0 8 tv_sec = Long; 8 8 tv_usec = Long; }
    "`struct timezone`." TIMEZONE 8 Whole { 0 4 tz_minuteswest = Int; 4 4 tz_dsttime = Int; }
    "A `struct timespec` that is a file's time." FILE_TIMESPEC 16 Bare { 0 16 time = Stamp("nsec"); }
    "A `struct timeval` that is a file's time." FILE_TIMEVAL 16 Bare { 0 16 time = Stamp("usec"); }
    "`struct utimbuf`." UTIMBUF 16 Whole { 0 8 actime = Long; 8 8 modtime = Long; }
    "`struct itimerspec`." ITIMERSPEC 32 Whole { 0 16 it_interval = Inner(&TIMESPEC); 16 16 it_value = Inner(&TIMESPEC); }
    "`struct itimerval`." ITIMERVAL 32 Whole { 0 16 it_interval = Inner(&TIMEVAL); 16 16 it_value = Inner(&TIMEVAL); }
    "`struct tms`." TMS 32 Whole { 0 8 tms_utime = Long; 8 8 tms_stime = Long; 16 8 tms_cutime = Long; 24 8 tms_cstime = Long; }
    "`union sigval`." SIGVAL 8 Whole { 0 4 sival_int = Int; 0 8 sival_ptr = Ptr; }
    "`struct sigevent`." SIGEVENT 64 Whole {
        0 8 sigev_value = Inner(&SIGVAL) => has_value;
        8 4 sigev_signo = Signal;
        12 4 sigev_notify = Enum(SIGEV_KINDS);
        16 4 sigev_notify_thread_id = Int => for_thread;
    }
}

fn has_value(event: &[u8]) -> bool {
    u64_at(event, 0) != 0
}

fn for_thread(event: &[u8]) -> bool {
    u32_at(event, 12) == 4
}
