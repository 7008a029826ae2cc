pub struct Bench;
