// Keeps what is shown true: when the server says that something has changed, the parts of this page
// that tell of it are asked for anew. Without this script the page is the same, and stays as it was.
"use strict";
(() => {
  const live = document.getElementById("live");
  let pending = false;
  let fetching = false;

  const say = (text) => {
    if (live.textContent !== text) live.textContent = text;
  };

  const refresh = async () => {
    if (fetching) {
      pending = true;
      return;
    }
    fetching = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.status === 401) {
        location.reload();
        return;
      }
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live]")) {
        const other = fresh.getElementById(part.id);
        if (other && other.innerHTML !== part.innerHTML) replace(part, other);
      }
    } catch {
      // the stream tells whether the server is there
    } finally {
      fetching = false;
      if (pending) {
        pending = false;
        refresh();
      }
    }
  };

  // Whoever reads on, or stands on a link by keyboard, stays where they are.
  const replace = (part, other) => {
    const scrolls = [...part.querySelectorAll(".scroll")].map((each) => [each.scrollLeft, each.scrollTop]);
    const active = document.activeElement;
    const mark = part.contains(active) ? { href: active.getAttribute("href"), at: [...part.querySelectorAll(".scroll")].indexOf(active) } : null;
    part.replaceChildren(...other.childNodes);
    const boxes = [...part.querySelectorAll(".scroll")];
    boxes.forEach((each, number) => {
      if (scrolls[number]) [each.scrollLeft, each.scrollTop] = scrolls[number];
    });
    if (!mark) return;
    const found = mark.href ? [...part.querySelectorAll("a[href]")].find((each) => each.getAttribute("href") === mark.href) : boxes[mark.at];
    if (found) found.focus({ preventScroll: true });
  };

  const stream = new EventSource(document.body.dataset.root + "api/v1/events");
  let timer = 0;
  stream.addEventListener("open", () => say("live"));
  stream.addEventListener("error", () => {
    say("not connected");
    if (stream.readyState === EventSource.CLOSED) setInterval(refresh, 30000);
  });
  stream.addEventListener("source", () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, 100);
  });
})();
