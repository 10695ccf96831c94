//! Prints the class of each sample on standard input; the argument says how many bytes a row has.
use std::io::Read;
use std::os::raw::c_void;

const UINT8: i32 = 1;
const CLASSES: i32 = 3;

extern "C" {
    fn net_workspace_bytes() -> i64;
    fn net_run(
        x: *const c_void,
        dtype: i32,
        n: i64,
        stride: i64,
        what: i32,
        out: *mut c_void,
        workspace: *mut c_void,
    ) -> i32;
}

/// 64 bytes, aligned as a workspace must be.
#[repr(C, align(64))]
#[derive(Clone)]
struct Line([u8; 64]);

struct Network {
    room: Vec<Line>,
    features: usize,
}

impl Network {
    fn new(features: usize) -> Self {
        let lines = (unsafe { net_workspace_bytes() } as usize).div_ceil(64);
        Network { room: vec![Line([0; 64]); lines], features }
    }

    fn predict(&mut self, x: &[u8]) -> Result<Vec<i64>, i32> {
        let mut classes = vec![0i64; x.len() / self.features];
        let status = unsafe {
            net_run(
                x.as_ptr().cast(),
                UINT8,
                classes.len() as i64,
                self.features as i64,
                CLASSES,
                classes.as_mut_ptr().cast(),
                self.room.as_mut_ptr().cast(),
            )
        };
        if status == 0 { Ok(classes) } else { Err(status) }
    }
}

fn main() {
    let features = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let features = features.expect("usage: main FEATURES < rows");
    let mut x = Vec::new();
    std::io::stdin().read_to_end(&mut x).expect("standard input");
    let classes = Network::new(features).predict(&x).expect("net_run");
    for class in classes {
        println!("{class}");
    }
}
