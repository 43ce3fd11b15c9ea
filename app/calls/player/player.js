// Plays one recording and draws the waveform of both channels. A recording too large to decode plays without a waveform.
"use strict";

// Decoded at this rate, a minute of two channels takes 3.8 MB.
const DRAWN_AT_HERTZ = 8000;
const DRAWN_SECONDS = 30 * 60;
const DRAWN_BYTES = 64 * 1024 * 1024;
const STEP_SECONDS = 5;
const PEAKS = 1200;

const $ = (id) => document.getElementById(id);
const audio = $("audio"), wave = $("wave"), canvas = $("canvas"), play = $("play"), note = $("note");
let peaks = null, frame = 0;

const duration = () => (Number.isFinite(audio.duration) ? audio.duration : Number(audio.dataset.seconds));
const clock = (seconds) => {
  const whole = Math.floor(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
};

function show() {
  const [now, whole] = [audio.currentTime, duration()];
  $("now").textContent = clock(now);
  $("whole").textContent = clock(whole);
  $("head").style.setProperty("left", `${whole ? (100 * now) / whole : 0}%`);
  wave.setAttribute("aria-valuenow", now.toFixed(1));
  wave.setAttribute("aria-valuemax", whole.toFixed(1));
  wave.setAttribute("aria-valuetext", `${clock(now)} of ${clock(whole)}`);
  play.classList.toggle("on", !audio.paused);
  play.setAttribute("aria-label", audio.paused ? "Play" : "Pause");
}

function follow() {
  cancelAnimationFrame(frame); // avoid a second animation loop when seeking during playback
  show();
  draw();
  if (!audio.paused) frame = requestAnimationFrame(follow);
}

function seek(seconds) {
  audio.currentTime = Math.min(Math.max(seconds, 0), duration());
  follow();
}

function toggle() {
  // Pausing before playback starts aborts it, which is no error.
  if (audio.paused) audio.play().catch((error) => { if (error.name !== "AbortError") explain(); });
  else audio.pause();
}

// Shows why the audio cannot be loaded, from the server's JSON error.
async function explain() {
  let said = "The server cannot be reached. Check the network, and try again.";
  try {
    const answer = await fetch(audio.src, { headers: { Range: "bytes=0-0" } });
    said = answer.ok ? "This browser cannot play the recording; download it instead."
      : (await answer.json()).errors[0].message;
  } catch { /* keep the default message */ }
  tell(said);
}

function tell(problem) {
  $("problem").textContent = problem;
  $("problem").hidden = false;
  play.disabled = true;
  note.textContent = "";
}

function draw() {
  const scale = devicePixelRatio || 1;
  const [width, height] = [Math.round(wave.clientWidth * scale), Math.round(wave.clientHeight * scale)];
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
  context.clearRect(0, 0, width, height);
  context.fillStyle = style.getPropertyValue("--line");
  context.fillRect(0, Math.round(height / 2), width, 1);
  if (!peaks) return;
  const played = duration() ? audio.currentTime / duration() : 0;
  peaks.forEach((channel, number) => {
    const middle = height * (peaks.length === 1 ? 0.5 : 0.25 + 0.5 * number);
    const reach = height * (peaks.length === 1 ? 0.46 : 0.23);
    context.fillStyle = style.getPropertyValue(number ? "--callee" : "--caller");
    for (let x = 0; x < width; x += 1) {
      const tall = Math.max(1, reach * channel[Math.floor((x * channel.length) / width)]);
      context.globalAlpha = x / width <= played ? 1 : 0.45;
      context.fillRect(x, middle - tall, 1, 2 * tall);
    }
  });
  context.globalAlpha = 1;
}

function peaksOf(samples) {
  const found = new Float32Array(Math.min(PEAKS, samples.length || 1)), each = samples.length / found.length;
  for (let place = 0; place < found.length; place += 1) {
    const end = Math.floor((place + 1) * each);
    for (let index = Math.floor(place * each); index < end; index += 1) {
      const size = Math.abs(samples[index]);
      if (size > found[place]) found[place] = size;
    }
  }
  return found;
}

async function drawFromAudio() {
  if (Number(audio.dataset.seconds) > DRAWN_SECONDS || Number(audio.dataset.bytes) > DRAWN_BYTES) {
    note.textContent = "The recording is too long for a waveform, but it can be played.";
    return;
  }
  const answer = await fetch(audio.src);
  if (!answer.ok) {
    tell((await answer.json()).errors[0].message);
    return;
  }
  const decoder = new OfflineAudioContext(2, 1, DRAWN_AT_HERTZ);
  const decoded = await decoder.decodeAudioData(await answer.arrayBuffer());
  peaks = Array.from({ length: decoded.numberOfChannels }, (_, number) => peaksOf(decoded.getChannelData(number)));
  document.querySelectorAll(".channel").forEach((label) => { label.hidden = peaks.length === 1; });
  note.textContent = "";
  draw();
}

const at = (event) => {
  const box = wave.getBoundingClientRect();
  return (duration() * (event.clientX - box.left)) / box.width;
};
const KEYS = {
  ArrowLeft: () => seek(audio.currentTime - STEP_SECONDS),
  ArrowDown: () => seek(audio.currentTime - STEP_SECONDS),
  ArrowRight: () => seek(audio.currentTime + STEP_SECONDS),
  ArrowUp: () => seek(audio.currentTime + STEP_SECONDS),
  Home: () => seek(0),
  End: () => seek(duration()),
  " ": toggle,
};

play.addEventListener("click", toggle);
wave.addEventListener("pointerdown", (event) => { wave.setPointerCapture(event.pointerId); seek(at(event)); });
wave.addEventListener("pointermove", (event) => { if (event.buttons) seek(at(event)); });
wave.addEventListener("keydown", (event) => {
  if (!KEYS[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  KEYS[event.key]();
});
audio.addEventListener("loadedmetadata", () => { play.disabled = false; show(); });
audio.addEventListener("error", explain);
for (const name of ["play", "pause", "seeked", "ended", "timeupdate"]) audio.addEventListener(name, show);
audio.addEventListener("play", follow);
new ResizeObserver(draw).observe(wave);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

const started = $("started");
started.textContent = new Date(started.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
if (audio.readyState >= 1) play.disabled = false;
if (audio.error) explain();
show();
drawFromAudio().catch(() => { note.textContent = "The waveform cannot be drawn here, but the recording can be played."; });
