//! Changes a task: `set TASK nice N`, `set TASK name NAME`.
//!
//! ```text
//! (llano) set 7 nice 10
//! task 7 (httpd) has nice 10
//! ```
//!
//! A nice value is -20 to 19; a name has up to 15 bytes, as prctl(PR_SET_NAME) cuts it. JSON: tid, nice, comm.

use crate::monitor::Output;
use llano_kernel::Kernel;
use llano_trace::json;

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    let [who, what, value] = args else {
        return Err("`set` takes a task, `nice` or `name`, and a value: `set 7 nice 10`".into());
    };
    let tid = super::task_or_any(k, "set", &[who])?;
    let said = match *what {
        "nice" => {
            let nice = value.parse().ok().filter(|n| (-20..=19).contains(n));
            let nice = nice.ok_or_else(|| format!("no nice value `{}`: -20 to 19", value.escape_debug()))?;
            k.task_mut(tid).nice = nice;
            format!("has nice {nice}")
        }
        "name" => {
            k.task_mut(tid).set_name(value.as_bytes());
            "is its name now".into()
        }
        _ => return Err(format!("no setting `{}`: `nice` or `name`", what.escape_debug())),
    };
    let (comm, nice) = (super::comm(k, tid), k.task(tid).nice);
    let mut object = format!("{{\"tid\":{tid},\"nice\":{nice},\"comm\":");
    json::string(&mut object, &comm);
    Ok(Output::Said(format!("task {tid} ({comm}) {said}"), object + "}"))
}
