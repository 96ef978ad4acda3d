"""DeBERTa (first version), wav2vec (2019) and MA-Net at full size as plain PyTorch modules whose
parameters have the names of the published files."""
import math

import torch
from torch import nn

DEBERTA = dict(vocab_size=50265, hidden_size=1024, num_hidden_layers=24, num_attention_heads=16,
               intermediate_size=4096, max_position_embeddings=512, type_vocab_size=0,
               layer_norm_eps=1e-7, hidden_act="gelu", relative_attention=True,
               max_relative_positions=-1, position_biased_input=False, pos_att_type="c2p|p2c",
               model_type="deberta")
WAV2VEC_ENCODER = [(10, 5), (8, 4), (4, 2), (4, 2), (4, 2), (1, 1), (1, 1)]
WAV2VEC_ARGUMENTS = dict(
    conv_feature_layers="[(512, 10, 5), (512, 8, 4), (512, 4, 2), (512, 4, 2), (512, 4, 2), "
                        "(512, 1, 1), (512, 1, 1)]",
    conv_aggregator_layers=str([(512, kernel, 1) for kernel in range(2, 14)]),
    skip_connections_agg=True, residual_scale=0.5, log_compression=True)


class SelfAttention(nn.Module):
    """Content-to-content, content-to-position and position-to-content scores."""

    def __init__(self, size):
        super().__init__()
        hidden = size["hidden_size"]
        self.heads, self.reach = size["num_attention_heads"], size["max_position_embeddings"]
        self.q_bias = nn.Parameter(torch.empty(hidden))
        self.v_bias = nn.Parameter(torch.empty(hidden))
        self.in_proj = nn.Linear(hidden, 3 * hidden, bias=False)
        self.pos_proj = nn.Linear(hidden, hidden, bias=False)
        self.pos_q_proj = nn.Linear(hidden, hidden)

    def split(self, x):
        return x.view(*x.shape[:-1], self.heads, -1).transpose(-3, -2)

    def forward(self, x, positions):
        batch, length, hidden = x.shape
        q, k, v = self.split(self.in_proj(x)).chunk(3, dim=-1)
        scale = math.sqrt(hidden // self.heads * 3)
        q = (q + self.split(self.q_bias[None])) / scale
        v = v + self.split(self.v_bias[None])
        scores = q @ k.transpose(-2, -1)
        span = min(length, self.reach)
        near = positions[self.reach - span:self.reach + span]
        steps = torch.arange(length)
        index = (steps[:, None] - steps[None, :] + span).clamp(0, 2 * span - 1)
        index = index.expand(batch, self.heads, length, length)
        to_position = q @ self.split(self.pos_proj(near)).transpose(-2, -1)
        scores = scores + torch.gather(to_position, -1, index)
        from_position = k @ (self.split(self.pos_q_proj(near)) / scale).transpose(-2, -1)
        by_key = torch.gather(from_position, -1, index.transpose(-2, -1))
        scores = scores + by_key.transpose(-2, -1)
        return (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, hidden)


class AddNorm(nn.Module):
    def __init__(self, wide, size):
        super().__init__()
        self.dense = nn.Linear(wide, size["hidden_size"])
        self.LayerNorm = nn.LayerNorm(size["hidden_size"], size["layer_norm_eps"])

    def forward(self, y, x):
        return self.LayerNorm(self.dense(y) + x)


class DebertaLayer(nn.Module):
    def __init__(self, size):
        super().__init__()
        hidden, wide = size["hidden_size"], size["intermediate_size"]
        self.attention = nn.ModuleDict({"self": SelfAttention(size),
                                        "output": AddNorm(hidden, size)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(hidden, wide)})
        self.output = AddNorm(wide, size)

    def forward(self, x, positions):
        x = self.attention["output"](self.attention["self"](x, positions), x)
        return self.output(nn.functional.gelu(self.intermediate["dense"](x)), x)


class Deberta(nn.Module):
    """Token ids [1, T] -> hidden states, the embedding first: 25 of [1, T, 1024]."""

    def __init__(self, size=None):
        super().__init__()
        size = size or DEBERTA
        hidden = size["hidden_size"]
        self.embeddings = nn.ModuleDict({
            "word_embeddings": nn.Embedding(size["vocab_size"], hidden),
            "LayerNorm": nn.LayerNorm(hidden, size["layer_norm_eps"])})
        layers = nn.ModuleList(DebertaLayer(size) for _ in range(size["num_hidden_layers"]))
        self.encoder = nn.ModuleDict({
            "layer": layers,
            "rel_embeddings": nn.Embedding(2 * size["max_position_embeddings"], hidden)})

    def forward(self, ids):
        states = [self.embeddings["LayerNorm"](self.embeddings["word_embeddings"](ids))]
        for layer in self.encoder["layer"]:
            states.append(layer(states[-1], self.encoder["rel_embeddings"].weight))
        return states


class Wav2vec(nn.Module):
    """Samples [1, n] from -1 to 1 -> context [1, 512, frames]."""

    def __init__(self, width=512):
        super().__init__()
        encoder, channels = [], 1
        for kernel, stride in WAV2VEC_ENCODER:
            encoder.append(nn.Sequential(nn.Conv1d(channels, width, kernel, stride, bias=False),
                                         nn.Dropout(0), nn.GroupNorm(1, width), nn.ReLU()))
            channels = width
        self.feature_extractor = nn.ModuleDict({"conv_layers": nn.ModuleList(encoder)})
        context = [nn.Sequential(nn.ReplicationPad1d((kernel - 1, 0)),
                                 nn.Conv1d(width, width, kernel), nn.Dropout(0),
                                 nn.GroupNorm(1, width), nn.ReLU()) for kernel in range(2, 14)]
        self.feature_aggregator = nn.ModuleDict({"conv_layers": nn.ModuleList(context)})

    def forward(self, samples):
        x = samples[:, None]
        for layer in self.feature_extractor["conv_layers"]:
            x = layer(x)
        x = torch.log(x.abs() + 1)
        for layer in self.feature_aggregator["conv_layers"]:
            x = (layer(x) + x) * math.sqrt(0.5)
        return x


def convolution(inputs, outputs, stride=1):
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)


class Block(nn.Module):
    """Two convolutions and a shortcut; the parts between them differ."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = convolution(inputs, outputs, stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False),
                                            nn.BatchNorm2d(outputs))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        return torch.relu(self.rest(torch.relu(self.bn1(self.conv1(x)))) + shortcut)


class BasicBlock(Block):
    def __init__(self, inputs, outputs, stride):
        super().__init__(inputs, outputs, stride)
        self.conv2 = convolution(outputs, outputs)
        self.bn2 = nn.BatchNorm2d(outputs)

    def rest(self, y):
        return self.bn2(self.conv2(y))


class ChannelGate(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.mlp = nn.Sequential(nn.Flatten(), nn.Linear(channels, channels // 16), nn.ReLU(),
                                 nn.Linear(channels // 16, channels))

    def forward(self, x):
        gate = self.mlp(x.mean((2, 3))) + self.mlp(x.amax((2, 3)))
        return x * torch.sigmoid(gate)[:, :, None, None]


class SpatialGate(nn.Module):
    def __init__(self):
        super().__init__()
        self.spatial = nn.ModuleDict({"conv": nn.Conv2d(2, 1, 7, padding=3, bias=False),
                                      "bn": nn.BatchNorm2d(1)})

    def forward(self, x):
        both = torch.stack([x.amax(1), x.mean(1)], dim=1)
        return x * torch.sigmoid(self.spatial["bn"](self.spatial["conv"](both)))


class AttentionBlock(BasicBlock):
    def __init__(self, inputs, outputs, stride):
        super().__init__(inputs, outputs, stride)
        self.cbam = nn.ModuleDict({"ChannelGate": ChannelGate(outputs),
                                   "SpatialGate": SpatialGate()})

    def rest(self, y):
        return self.cbam["SpatialGate"](self.cbam["ChannelGate"](super().rest(y)))


class MultiScaleBlock(Block):
    def __init__(self, inputs, outputs, stride):
        super().__init__(inputs, outputs, stride)
        for chain in (1, 2):
            for part in (1, 2, 3, 4):
                setattr(self, f"conv{chain}_2_{part}", convolution(outputs // 4, outputs // 4))
                setattr(self, f"bn{chain}_2_{part}", nn.BatchNorm2d(outputs // 4))

    def rest(self, y):
        sums = 0
        for chain in (1, 2):
            done = []
            for part, piece in enumerate(y.chunk(4, dim=1), 1):
                x = piece if part == 1 else torch.relu(done[-1]) + piece
                done.append(getattr(self, f"bn{chain}_2_{part}")(
                    getattr(self, f"conv{chain}_2_{part}")(x)))
            sums = sums + torch.cat(done, dim=1)
        return sums


def two(block, inputs, outputs, stride):
    return nn.Sequential(block(inputs, outputs, stride), block(outputs, outputs, 1))


class Manet(nn.Module):
    """Faces [n, 3, 224, 224] from 0 to 1 -> [n, 1024]."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.pool = nn.MaxPool2d(3, 2, padding=1)
        self.layer1 = two(BasicBlock, 64, 64, 1)
        self.layer2 = two(BasicBlock, 64, 128, 2)
        for part in (1, 2, 3, 4):
            setattr(self, f"layer3_1_p{part}", two(AttentionBlock, 128, 256, 2))
            setattr(self, f"layer4_1_p{part}", two(AttentionBlock, 256, 512, 1))
        self.layer3_2 = two(MultiScaleBlock, 128, 256, 2)
        self.layer4_2 = two(MultiScaleBlock, 256, 512, 2)
        self.fc_1 = nn.Linear(512, 7)
        self.fc_2 = nn.Linear(512, 7)

    def forward(self, x):
        x = self.layer2(self.layer1(self.pool(torch.relu(self.bn1(self.conv1(x))))))
        upper, lower = x.chunk(2, dim=2)
        quarters = [*upper.chunk(2, dim=3), *lower.chunk(2, dim=3)]
        local = sum(getattr(self, f"layer4_1_p{i}")(getattr(self, f"layer3_1_p{i}")(q)).mean((2, 3))
                    for i, q in enumerate(quarters, 1)) / 4
        whole = self.layer4_2(self.layer3_2(x)).mean((2, 3))
        return torch.cat([local, whole], dim=1)
