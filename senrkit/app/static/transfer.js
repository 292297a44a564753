// Files up and down in slices, each acknowledged: no limit to raise, flat memory.

const SLICE = 4 * 1024 * 1024;

class Uploads {
  constructor(send) {
    this.send = send;
    this.file = null;
  }

  attach(host) {
    const input = host.querySelector("input[type=file]");
    const drop = host.querySelector(".drop");
    this.shown = host.querySelector(".upload-progress");
    input.onchange = () => {
      const file = input.files[0];
      if (!file) return;
      this.begin(file);
      // The same file can be chosen again.
      input.value = "";
    };
    drop.ondragover = (event) => {
      event.preventDefault();
      drop.classList.add("over");
    };
    drop.ondragleave = () => drop.classList.remove("over");
    drop.ondrop = (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      if (event.dataTransfer.files[0]) this.begin(event.dataTransfer.files[0]);
    };
    this.shown.querySelector("button").onclick = () => this.stop();
    if (this.file) this.tell(0);
  }

  begin(file) {
    this.file = file;
    this.tell(0);
    this.send({ t: "upload", name: file.name, size: file.size });
  }

  async next(at) {
    const file = this.file;
    if (!file) return;
    this.tell(at);
    const piece = await file.slice(at, at + SLICE).arrayBuffer();
    // Another file may have been chosen meanwhile.
    if (this.file === file) this.send({ t: "slice" }, [piece]);
  }

  tell(at) {
    this.shown.hidden = false;
    const percent = Math.floor((100 * at) / Math.max(this.file.size, 1));
    this.shown.querySelector("progress").value = percent;
    this.shown.querySelector("span").textContent = `${this.file.name}: ${percent} %`;
  }

  done() {
    this.file = null;
    if (this.shown) this.shown.hidden = true;
  }

  stop() {
    this.done();
    this.send({ t: "upload-stopped" });
  }
}

class Downloads {
  constructor(send) {
    this.send = send;
    this.files = new Map();
  }

  begin({ ticket, name, size }) {
    this.files.set(ticket, { name, size, pieces: [] });
    this.send({ t: "download", ticket, at: 0 });
  }

  take({ ticket, at }, piece) {
    const file = this.files.get(ticket);
    file.pieces.push(piece);
    const there = at + piece.byteLength;
    if (there < file.size) {
      this.send({ t: "download", ticket, at: there });
      return;
    }
    this.files.delete(ticket);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(file.pieces));
    link.download = file.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }
}
