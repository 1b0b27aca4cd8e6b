//! The fenced blocks of the documentation's pages: README.md beside this file says how they are run.

#![allow(dead_code)] // Each test uses its part.

use std::fs;
use std::path::{Path, PathBuf};

/// One fenced block.
pub(crate) struct Block {
    /// The language it is marked with.
    pub(crate) language: String,
    /// The line of the page that its first line is, counted from 1.
    pub(crate) line: usize,
    /// What stands in it.
    pub(crate) code: String,
    /// What is run before it.
    pub(crate) first: String,
}

/// A page with the blocks that are run.
pub(crate) struct Page {
    /// Its path in the project, as in `docs/errors.md`.
    pub(crate) path: String,
    pub(crate) blocks: Vec<Block>,
}

impl Page {
    /// The blocks of a language; none if there are none.
    pub(crate) fn of<'p>(&'p self, language: &'p str) -> impl Iterator<Item = &'p Block> {
        self.blocks.iter().filter(move |block| block.language == language)
    }

    /// Its name as an identifier.
    pub(crate) fn ident(&self) -> String {
        self.path.replace(|c: char| !c.is_ascii_alphanumeric(), "_").to_lowercase()
    }
}

/// All pages of the project.
pub(crate) fn pages(root: &Path) -> Vec<Page> {
    let mut paths = vec![root.join("README.md"), root.join("include/README.md")];
    gather(&root.join("docs"), &mut paths);
    paths.sort();
    paths.iter().map(|path| page(root, path)).collect()
}

fn gather(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("docs is read") {
        let path = entry.expect("docs is read").path();
        if path.is_dir() {
            gather(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            paths.push(path);
        }
    }
}

fn page(root: &Path, path: &Path) -> Page {
    let text = fs::read_to_string(path).expect("a page is read");
    let path = path.strip_prefix(root).expect("pages are in the project").display().to_string();
    let mut blocks = Vec::new();
    let (mut first, mut is_left_out) = (String::new(), false);
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let inside = line.trim_start();
        if let Some(language) = inside.strip_prefix("```") {
            let code: Vec<&str> =
                lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim_start() != "```").collect();
            let (language, line) = (language.trim().to_owned(), number + 2);
            let block = Block { language, line, code: code.join("\n"), first: std::mem::take(&mut first) };
            if !std::mem::take(&mut is_left_out) {
                blocks.push(block);
            }
        } else if inside.starts_with("<!-- first:") {
            let code: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "-->").collect();
            first = code.join("\n");
        } else if let Some(reason) = inside.strip_prefix("<!-- not run:") {
            assert!(reason.trim().len() > "-->".len(), "{path}:{}: say why it is not run", number + 1);
            is_left_out = true;
        } else if let Some(thing) = inside.strip_prefix("<!-- needs:") {
            let thing = thing.trim().trim_end_matches("-->").trim();
            is_left_out = !root.join(thing).exists();
        } else if !inside.is_empty() {
            (first, is_left_out) = (String::new(), false);
        }
    }
    Page { path, blocks }
}

/// The code of blocks at the lines where the page has it, so that a compiler's messages name the page's lines: `open` stands
/// before the first of them, `close` behind the last.
pub(crate) fn in_place(blocks: &[&Block], open: &str, close: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for (n, block) in blocks.iter().enumerate() {
        // The line of the fence has room for what comes before.
        lines.resize(block.line - 1, String::new());
        let fence = lines.last_mut().expect("a block has a fence before it");
        fence.push_str(if n == 0 { open } else { "" });
        fence.push(' ');
        fence.push_str(&block.first.replace('\n', " "));
        lines.extend(block.code.lines().map(str::to_owned));
    }
    lines.join("\n") + "\n" + close + "\n"
}
