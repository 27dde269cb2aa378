//! Bytes as text that can be read and compared line by line: a title, then sixteen bytes a line.

/// One titled run of bytes, in the form of `crates/bulla-ledger/golden`.
pub fn dump(title: &str, bytes: &[u8]) -> String {
    let mut text = format!("{title}\n");
    for (line, bytes) in bytes.chunks(16).enumerate() {
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        text += &format!("{:3}  {}\n", 16 * line, hex.join(" "));
    }
    text + "\n"
}

/// The inverse of [`dump`], for one dump or many.
///
/// # Panics
/// When the text is not of that form.
pub fn parse(text: &str) -> Vec<(String, Vec<u8>)> {
    let dumps = text.split_terminator("\n\n").map(|dump| {
        let (title, lines) = dump.split_once('\n').expect("a title and bytes");
        let mut bytes = Vec::new();
        for line in lines.lines() {
            let (offset, hex) = line.trim_start().split_once("  ").expect("an offset and bytes");
            assert_eq!(offset.parse(), Ok(bytes.len()), "{title}");
            bytes.extend(hex.split(' ').map(|byte| u8::from_str_radix(byte, 16).expect("a byte in hex")));
        }
        (title.to_owned(), bytes)
    });
    dumps.collect()
}

#[test]
fn what_is_dumped_is_read_back() {
    let bytes: Vec<u8> = (0..=255).cycle().take(1_100).collect();
    let text = dump("one", &bytes) + &dump("another", &bytes[..1]);
    assert_eq!(parse(&text), [("one".to_owned(), bytes.clone()), ("another".to_owned(), bytes[..1].to_vec())]);
}
