"""How much does each frame look like the prompt?  python3 example.py [webcam|VIDEO] [PROMPT]"""
import sys

import cv2

import clipc as inference  # was: import inference
from clipc import Clip, cosine_similarity  # was: from inference.models import Clip, and ...postprocess

source = sys.argv[1] if len(sys.argv) > 1 else "webcam"
prompt = sys.argv[2] if len(sys.argv) > 2 else "an ace of spades playing card"
clip = Clip()
text_embedding = clip.embed_text(prompt)
white, ink, font = (255, 255, 255), (120, 20, 90), cv2.FONT_HERSHEY_SIMPLEX


def render(result, image):
    cosine = cosine_similarity(result["embeddings"][0], text_embedding[0])
    low, high = 0.15, 0.40  # the cosines that mean 0 % and 100 %
    percent = 100 * min(max((cosine - low) / (high - low), 0), 1)
    size = image.shape[0] / 480
    for text, at, scale in (("%.1f %%" % percent, 0.25, 3), (prompt, 0.95, 1)):
        place = (int(10 * size), int(at * image.shape[0]))
        cv2.putText(image, text, place, font, scale * size, white, int(8 * size) + 2)
        cv2.putText(image, text, place, font, scale * size, ink, int(3 * size) + 1)
    cv2.imshow("CLIP", image)
    cv2.waitKey(1)


inference.Stream(
    source=source,
    model=clip,
    output_channel_order="BGR",
    use_main_thread=True,  # windows want it
    on_prediction=render,
)
