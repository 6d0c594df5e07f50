// Keeps the figures of work that goes on fresh, and loads the page anew when it has ended.
const place = document.querySelector("[data-progress]");

async function look() {
  try {
    const reply = await fetch(place.dataset.progress, { headers: { Accept: "application/json" } });
    if (!reply.ok) throw new Error(String(reply.status));
    const now = await reply.json();
    if (!now.running) {
      location.reload();
      return;
    }
    const bar = place.querySelector("progress");
    if (now.done < now.all) {
      bar.max = now.all;
      bar.value = now.done;
    } else {
      bar.removeAttribute("value");
    }
    place.querySelector("[data-words]").textContent = now.words;
    setTimeout(look, 1000);
  } catch {
    setTimeout(look, 5000);
  }
}

if (place) setTimeout(look, 500);
